import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { AbiCoder, id as keccakText, recoverAddress, TypedDataEncoder } from 'ethers';
import { acceptanceDigest, acceptanceSchema, refusalDigest, refusalSchema } from '../../../services/core/acceptance.ts';
import { buildAggregate, verifyInnerProof } from '../../../services/core/aggregate.ts';
import { blockHash } from '../../../services/core/block.ts';
import { concat, fromHex, toHex } from '../../../services/core/bytes.ts';
import { domainSeparator, parseNetworkName } from '../../../services/core/eip712.ts';
import { openCheckpoint } from '../../../services/core/log/checkpoint.ts';
import { parseVerifierKey } from '../../../services/core/log/note.ts';
import { parseReceipt } from '../../../services/core/receipt.ts';
import { parseEntry, readRecord, recordDigest } from '../../../services/core/record.ts';
import { leafHash } from '../../../services/core/sha256.ts';
import { verifyReceiptOffline } from '../../../services/core/verifyReceipt.ts';

const page = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');

/** Text of the code block that is marked with the name. */
function block(name: string): string {
  const match = new RegExp(`^\`\`\`(?:json|text) ${name}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page);
  if (!match) throw new Error(`docs/protocol.md has no code block ${name}`);
  return match[1]!;
}
const json = <T>(name: string): T => JSON.parse(block(name)) as T;

type Hashes = {
  id: string;
  domainSeparator: string;
  recordDigest: string;
  leafHashes: string[];
  acceptanceDigest: string;
  refusalDigest: string;
  blockHash: string;
};

const headerTuple = '(uint64,uint64,uint64,bytes32,bytes32,uint64,address)';
const hashes = json<Hashes>('example-hashes');
const receipt = parseReceipt(block('example-receipt'));
const { record, idBytes, entry } = readRecord(block('example-record'));
const network = parseNetworkName(record.network)!;
const domain = { name: 'Notarium', version: '1', chainId: network.chainId, verifyingContract: network.contract };

/** EIP-712 as ethers does it, from the type's text on the page: an implementation that is not ours. */
function foreignDigest(type: string, value: Record<string, unknown>): string {
  expect(page).to.include(type);
  const [, name = '', members = ''] = /^(\w+)\((.*)\)$/.exec(type) ?? [];
  const fields = members.split(',').map((member) => {
    const [kind = '', field = ''] = member.split(' ');
    return { type: kind, name: field };
  });
  return TypedDataEncoder.hash(domain, { [name]: fields }, value);
}

const sha256 = (...parts: Uint8Array[]): string =>
  `0x${createHash('sha256')
    .update(concat(...parts))
    .digest('hex')}`;

describe('docs/protocol.md', () => {
  it('shows the entry and the id of its record', () => {
    const text = block('example-entry').replace(/\n$/, '');
    expect(new TextDecoder().decode(entry)).to.equal(text);
    expect(entry.length).to.equal(472);
    expect(toHex(idBytes)).to.equal(hashes.id);
    const unsigned = text.replace(/"signature":"0x[0-9a-f]+",/, '');
    expect(sha256(new TextEncoder().encode(unsigned))).to.equal(hashes.id);
  });

  it('shows the domain and what the submitter signed', () => {
    expect(toHex(domainSeparator(network))).to.equal(hashes.domainSeparator);
    expect(TypedDataEncoder.hashDomain(domain)).to.equal(hashes.domainSeparator);
    expect(toHex(recordDigest(network, idBytes))).to.equal(hashes.recordDigest);
    expect(foreignDigest('Record(bytes32 id)', { id: hashes.id })).to.equal(hashes.recordDigest);
    expect(recoverAddress(hashes.recordDigest, record.signature).toLowerCase()).to.equal(record.submitter);
  });

  it('shows an acceptance and a refusal that their centre signed', () => {
    const acceptance = acceptanceSchema.parse(json('example-acceptance'));
    const acceptanceType = 'Acceptance(bytes32 recordId,uint64 acceptedAt,uint64 includeBySlot)';
    expect(acceptance.recordId).to.equal(hashes.id);
    expect(toHex(acceptanceDigest(network, acceptance))).to.equal(hashes.acceptanceDigest);
    expect(foreignDigest(acceptanceType, acceptance)).to.equal(hashes.acceptanceDigest);
    expect(recoverAddress(hashes.acceptanceDigest, acceptance.signature).toLowerCase()).to.equal(acceptance.centre);

    const refusal = refusalSchema.parse(json('example-refusal'));
    const refusalType = 'Refusal(bytes32 recordId,bytes32 reason,bytes32 winner,uint64 slot)';
    const reason = toHex(concat(new TextEncoder().encode(refusal.reason), new Uint8Array(18)));
    expect(page).to.include(`\`${reason}\``);
    expect(toHex(refusalDigest(network, refusal))).to.equal(hashes.refusalDigest);
    expect(foreignDigest(refusalType, { ...refusal, reason })).to.equal(hashes.refusalDigest);
    expect(recoverAddress(hashes.refusalDigest, refusal.signature).toLowerCase()).to.equal(refusal.centre);
  });

  it('shows the leaf hashes and the way to the root', () => {
    const [first, second, third] = hashes.leafHashes.map(fromHex) as [Uint8Array, Uint8Array, Uint8Array];
    expect(toHex(leafHash(entry))).to.equal(hashes.leafHashes[1]);
    expect(sha256(Uint8Array.of(0), entry)).to.equal(hashes.leafHashes[1]);
    expect(receipt.proof.path.map((hash) => `0x${hash}`)).to.deep.equal([hashes.leafHashes[0], hashes.leafHashes[2]]);
    const left = fromHex(sha256(Uint8Array.of(1), first, second));
    expect(sha256(Uint8Array.of(1), left, third)).to.equal(receipt.block.root);
  });

  it('shows the block hash and the words behind it', () => {
    const type =
      'Block(uint64 height,uint64 slot,uint64 treeSize,bytes32 root,bytes32 parent,uint64 epoch,address publisher)';
    expect(blockHash(network, receipt.block)).to.equal(hashes.blockHash);
    expect(foreignDigest(type, receipt.block)).to.equal(hashes.blockHash);
    expect(page).to.include(`Block hash: \`${hashes.blockHash}\``);
    expect(page).to.include(`\`${keccakText(type)}\``);
    const words = block('example-words')
      .trim()
      .split('\n')
      .map((line) => line.split(/ +/)[1]!.slice(2));
    const encoded = AbiCoder.defaultAbiCoder().encode([headerTuple], [Object.values(receipt.block)]);
    expect(`0x${words.join('')}`).to.equal(encoded);
  });

  it('shows a receipt that verifies offline', () => {
    const verdict = verifyReceiptOffline(receipt, {
      contentDigest: fromHex(sha256(new TextEncoder().encode('hello\n'))),
      network,
      committees: [{ epoch: 1, members: [receipt.block.publisher] }],
    });
    const passed = verdict.steps.filter(({ status }) => status === 'passed').map(({ step }) => step);
    expect(passed).to.deep.equal(['content', 'record', 'inclusion', 'block', 'quorum']);
    expect(verdict.ok).to.equal(true);
    expect(parseEntry(Uint8Array.from(Buffer.from(receipt.entry, 'base64'))).id).to.equal(hashes.id);
  });

  it('shows a checkpoint of that log', () => {
    const key = /^Verifier key: `(\S+)`\.$/m.exec(page)?.[1];
    const { size, root } = openCheckpoint(block('example-checkpoint'), [parseVerifierKey(key!)]);
    expect([size, toHex(root)]).to.deep.equal([receipt.block.treeSize, receipt.block.root]);
  });

  it('shows an aggregate and the proofs of its members', () => {
    type Inner = { leafIndex: number; treeSize: number; path: string[] };
    const shown = json<{ members: string[]; digest: string; inner: Inner[] }>('example-aggregate');
    const members = ['alpha\n', 'beta\n', 'gamma\n'].map((text) => sha256(new TextEncoder().encode(text)));
    expect(shown.members.map((digest) => `0x${digest}`)).to.deep.equal(members);
    const aggregate = buildAggregate(concat(...members.map(fromHex)));
    expect(`sha-256:${toHex(aggregate.root).slice(2)}`).to.equal(shown.digest);
    expect(shown.inner.map(({ path }) => path)).to.deep.equal([0, 1, 2].map((index) => aggregate.proofOf(index)));
    shown.inner.forEach((inner, index) => {
      expect(verifyInnerProof(fromHex(members[index]!), inner, aggregate.root)).to.equal(true);
    });
  });

  it('names functions and events of the contracts by their right selectors', () => {
    const rows = [...page.matchAll(/^\| `(\w+\([^`]*\))` \| `(0x[0-9a-f]{8})` \|/gm)];
    expect(rows.length).to.be.greaterThan(15);
    const abi = ['BlockAnchor', 'NodeRegistry'].map((name) =>
      readFileSync(new URL(`../../../services/chain/abi/${name}.json`, import.meta.url), 'utf8'),
    );
    for (const [, signature = '', selector] of rows) {
      const full = signature
        .replaceAll(/\bH\b/g, headerTuple)
        .replaceAll(/\bA\b/g, '(bytes32,bytes32,bytes32,uint32,uint48,uint48)')
        .replaceAll(/\bN\b/g, '(address,string,string,bytes32,bytes32)');
      expect(keccakText(full).slice(0, 10), signature).to.equal(selector);
      expect(
        abi.some((text) => text.includes(`"${signature.slice(0, signature.indexOf('('))}"`)),
        signature,
      ).to.equal(true);
    }
    expect(page).to.include(keccakText('Anchored(uint64,bytes32,uint64,uint64,bytes32)'));
    expect(page).to.include(keccakText('EquivocationReported(address,uint64,bytes32,bytes32,address)'));
  });
});
