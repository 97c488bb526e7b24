import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { NetworkView } from '../../services/app/Centre.ts';
import { fromHex, toHex } from '../../services/core/bytes.ts';
import { openCheckpoint } from '../../services/core/log/checkpoint.ts';
import { decodeEntries } from '../../services/core/log/entryBundle.ts';
import { parseVerifierKey } from '../../services/core/log/note.ts';
import { verifyConsistency } from '../../services/core/log/verifyProof.ts';
import { Notarium } from '../../services/index.ts';
import { statusOf } from '../support/centreProcess.ts';
import type { ChainKind } from '../support/chains.ts';
import { startNetwork, type TestNetwork } from '../support/network.ts';
import { randomSigner, signedRecord, textOf } from '../support/recordKit.ts';
import { until } from '../support/until.ts';

const json = async (url: string, init?: RequestInit): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(url, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const post = (url: string, body: string) =>
  json(`${url}/v1/records?`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

for (const kind of ['anvil', 'hardhat'] satisfies ChainKind[]) {
  describe(`one centre on ${kind}`, () => {
    let net: TestNetwork;
    const signer = randomSigner();

    before(async () => {
      net = await startNetwork({ kind });
    });
    after(() => net?.close());

    it('takes a record, anchors it, and gives a receipt that verifies offline and by eth_call', async () => {
      const client = new Notarium({ url: net.centre.url, signer, rpcUrl: net.chain.rpcUrl });
      const content = new Blob([randomBytes(1000)]).stream();
      const [mine, theirs] = content.tee();
      const { id, status } = await client.notarizeFile(mine);
      expect(status).to.equal('accepted');
      const receipt = await client.waitForReceipt(id, { timeoutMs: 60_000 });
      const verdict = await client.verify(theirs, receipt);
      expect(verdict.steps.map(({ step, status: state }) => `${step} ${state}`)).to.deep.equal([
        'content passed',
        'record passed',
        'inclusion passed',
        'block passed',
        'quorum passed',
        'chain passed',
        'anchor passed',
      ]);
    });

    it('answers the same record again with the same acceptance, and with its place once it is in the log', async () => {
      const record = textOf(await signedRecord(net.network, signer, 'again'));
      const first = await post(net.centre.url, record);
      const second = await post(net.centre.url, record);
      expect([first.status, second.status]).to.deep.equal([201, 200]);
      expect(second.body.acceptance).to.deep.equal(first.body.acceptance);
      const logged = await until('the log', async () => {
        const { body } = await post(net.centre.url, record);
        return body.status === 'logged' && body;
      });
      expect(logged.leafIndex).to.be.a('number');
    });

    it('lets exactly one record supersede another, and only by its holder', async () => {
      const url = net.centre.url;
      const title = await signedRecord(net.network, signer, 'title');
      expect((await post(url, textOf(title))).status).to.equal(201);
      const stranger = await signedRecord(net.network, randomSigner(), 'theft', { supersedes: title.id });
      expect((await post(url, textOf(stranger))).body.code).to.equal('record-holder-mismatch');
      const rivals = await Promise.all(
        ['a', 'b'].map((text) => signedRecord(net.network, signer, text, { supersedes: title.id })),
      );
      const answers = await Promise.all(rivals.map((rival) => post(url, textOf(rival))));
      const won = answers.findIndex(({ status }) => status === 201);
      const lost = answers[1 - won]!;
      expect([answers[won]!.status, lost.status]).to.deep.equal([201, 409]);
      expect((lost.body.data as Record<string, unknown>).winner).to.equal(rivals[won]!.id);
      const unknown = await signedRecord(net.network, signer, 'c', { supersedes: toHex(randomBytes(32)) });
      expect((await post(url, textOf(unknown))).body.code).to.equal('record-predecessor-unknown');
    });

    it('takes a batch of thousands although one line of it is bad', async () => {
      const records = await Promise.all(
        Array.from({ length: 2000 }, (_, index) => signedRecord(net.network, signer, `batch ${index}`)),
      );
      const lines = records.map(textOf);
      lines[1234] = lines[1234]!.replace('"v":1', '"v":1,"extra":true');
      const response = await fetch(`${net.centre.url}/v1/records/batch`, {
        method: 'POST',
        body: lines.map((line) => `${line}\n`).join(''),
        headers: { 'content-type': 'application/x-ndjson' },
      });
      const results = (await response.text())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { line: number; status: string; id?: string; error?: { code: string } });
      expect(results).to.have.length(2000);
      const failed = results.filter(({ status }) => status !== 'accepted');
      expect(failed.map(({ line, error }) => [line, error?.code])).to.deep.equal([[1235, 'record-unknown-field']]);
      await until('all records in the log', async () => (await statusOf(net.centre.url)).pool.count === 0);
      const { body } = await json(`${net.centre.url}/v1/records/${records[1999]!.id}/receipt`);
      expect(body.format).to.equal('notarium-receipt/1');
    });

    it('refuses a record of another network, an expired one and a forged one, each by its code', async () => {
      const other = await signedRecord({ ...net.network, chainId: 1 }, signer, 'elsewhere');
      const old = await signedRecord(net.network, signer, 'old', { expires: '2020-01-01T00:00:00.000Z' });
      const forged = textOf(await signedRecord(net.network, signer, 'honest')).replace('honest', 'forged');
      const codes = [];
      for (const text of [textOf(other), textOf(old), forged]) codes.push((await post(net.centre.url, text)).body.code);
      expect(codes).to.deep.equal(['record-network-mismatch', 'record-expired', 'signature-mismatch']);
    });

    it('serves checkpoint, tiles and consistency proofs that agree', async () => {
      const { body: view } = await json(`${net.centre.url}/v1/network`);
      const { origin, centres } = view as unknown as NetworkView;
      expect(origin).to.equal(`notarium/31337/${net.network.contract}`);
      const note = await (await fetch(`${net.centre.url}/log/checkpoint`)).text();
      const checkpoint = openCheckpoint(
        note,
        centres.map(({ verifierKey }) => parseVerifierKey(verifierKey)),
      );
      expect(checkpoint.origin).to.equal(origin);
      const { body: proof } = await json(`${net.centre.url}/v1/proof/consistency?from=1&to=${checkpoint.size}`);
      const path = (proof.path as string[]).map(fromHex);
      expect(proof.toRoot).to.equal(toHex(checkpoint.root));
      expect(verifyConsistency(1, checkpoint.size, fromHex(String(proof.fromRoot)), checkpoint.root, path)).to.equal(
        true,
      );
      const bundle = await fetch(`${net.centre.url}/log/tile/entries/000`);
      expect(bundle.headers.get('cache-control')).to.include('immutable');
      expect(decodeEntries(new Uint8Array(await bundle.arrayBuffer()))).to.have.length(256);
    });

    it('says at once when a receipt is not there yet, and waits for it when asked', async () => {
      const record = await signedRecord(net.network, signer, 'wait for it');
      await post(net.centre.url, textOf(record));
      const missing = await json(`${net.centre.url}/v1/records/${toHex(randomBytes(32))}/receipt`);
      expect(missing.body.code).to.equal('record-not-found');
      const waited = await json(`${net.centre.url}/v1/records/${record.id}/receipt?wait=30`);
      expect([waited.status, waited.body.format]).to.deep.equal([200, 'notarium-receipt/1']);
    });

    it('finds records by digest, subject and submitter', async () => {
      const record = await signedRecord(net.network, randomSigner(), 'find me');
      await post(net.centre.url, textOf(record));
      await json(`${net.centre.url}/v1/records/${record.id}/receipt?wait=30`);
      for (const [field, value] of Object.entries({
        digest: record.record.digest,
        subject: record.record.subject,
        submitter: record.record.submitter,
      })) {
        const { body } = await json(`${net.centre.url}/v1/records?${field}=${encodeURIComponent(value)}`);
        const ids = (body.items as { id: string }[]).map(({ id }) => id);
        expect(ids, field).to.deep.equal([record.id]);
      }
    });

    it('tells what happens to blocks, and goes on where a reader stopped', async () => {
      const read = async (from: number, count: number): Promise<{ id: number; type: string }[]> => {
        const end = new AbortController();
        const response = await fetch(`${net.centre.url}/v1/events`, {
          headers: { 'last-event-id': String(from) },
          signal: end.signal,
        });
        const events: { id: number; type: string }[] = [];
        let text = '';
        for await (const chunk of response.body!) {
          text += new TextDecoder().decode(chunk as Uint8Array);
          events.length = 0;
          for (const [, id, type] of text.matchAll(/id: ?(\d+)\nevent: ?(\S+)\n/g))
            events.push({ id: Number(id), type: type! });
          if (events.length >= count) break;
        }
        end.abort();
        return events;
      };
      const first = await read(0, 3);
      expect(first.slice(0, 3).map(({ type }) => type)).to.deep.equal([
        'block.sealed',
        'block.anchored',
        'block.committed',
      ]);
      const rest = await read(2, 1);
      expect(rest[0]).to.deep.equal({ id: 3, type: 'block.committed' });
      // What a browser has kept of another network at this address.
      const anew = await read(1_000_000, 1);
      expect(anew[0]).to.deep.equal(first[0]);
    });

    it('stops when told to, and knows everything after a new start', async () => {
      const record = await signedRecord(net.network, signer, 'before the stop');
      expect((await post(net.centre.url, textOf(record))).status).to.equal(201);
      expect(await net.centre.stop()).to.deep.equal({ code: 0, signal: null });
      const { url } = await net.start();
      const { body } = await json(`${url}/v1/records/${record.id}/receipt?wait=30`);
      expect(body.format).to.equal('notarium-receipt/1');
      // What was wrong for a moment is over a step after the block.
      await until('it to be ready', async () => (await statusOf(url)).ready);
    });
  });
}
