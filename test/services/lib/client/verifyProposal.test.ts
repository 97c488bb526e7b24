import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { Interface } from 'ethers';
import { lookUp } from '../../../../services/app/governance/lookUp.ts';
import { judgeResult } from '../../../../services/cli/governance/judgeResult.ts';
import { type Address, concat, type Hex, toHex } from '../../../../services/core/bytes.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import { readProposalContent } from '../../../../services/core/governance/proposalContent.ts';
import type { ProposalId } from '../../../../services/core/governance/signing.ts';
import { Notarium } from '../../../../services/index.ts';
import { type ProposalDetail, proposalDetailSchema } from '../../../../services/lib/client/governanceAnswers.ts';
import { devAddress, type RunningChain, sendAsDeployer, startChain } from '../../../support/chains.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';
import { generalDraft, type ProposalKit, proposalKit } from '../../app/governance/proposalKit.ts';

const artifact = new URL(
  '../../../../artifacts/test/contracts/support/GovernorDoubles.sol/TestWallet.json',
  import.meta.url,
);
const refusing = 1;
const noUrl = 'http://127.0.0.1:1';

describe('lib/client/verifyProposal', () => {
  let running: RunningChain;
  let kit: ProposalKit;
  let wallet: Interface;
  let bytecode: Hex;
  before(async () => {
    running = await startChain({ kind: 'hardhat' });
    kit = await proposalKit(running.rpcUrl);
    const parsed = JSON.parse(await readFile(artifact, 'utf8'));
    wallet = new Interface(parsed.abi);
    bytecode = parsed.bytecode;
  });
  after(async () => {
    await kit?.dispose();
    await running.stop();
  });

  /** A wallet of development account 1 that is a member of the committee. */
  async function memberWallet(): Promise<Address> {
    const data = `${bytecode}${wallet.encodeDeploy([devAddress(1)]).slice(2)}` as Hex;
    const { contractAddress: account } = await sendAsDeployer(running.rpcUrl, 'wallet', { data });
    const key = `0x${'22'.repeat(32)}` as const;
    const node = { account, name: 'Wallet', endpoint: 'https://wallet.example', encryptionKey: key, noteKey: key };
    const steps = [
      { do: 'enroll' as const, node },
      { do: 'activate' as const, account },
    ];
    await kit.governance.execute(await kit.pass(kit.draft('admission', { steps })));
    const { registry } = kit.centres[0]!.parts;
    await until('the wallet to be a member', () => registry.active().some(({ address }) => address === account));
    return account;
  }

  /** As a centre answers, read as a client does. */
  async function detailOf(id: ProposalId): Promise<ProposalDetail> {
    await kit.centres[0]!.confirmed(id);
    const found = await lookUp(kit.centres[0]!.parts).proposal(id);
    return proposalDetailSchema.parse(JSON.parse(JSON.stringify(found)));
  }

  function clients(epoch: number, members: readonly Address[]) {
    const { network, periodSeconds, graceSeconds } = kit.chain.info;
    const trusted = {
      ...{ format: 'notarium-network/1' as const, network: networkName(network), periodSeconds, graceSeconds },
      ...{ governor: kit.governance.governor.contract, committees: [{ epoch, members: [...members] }] },
      ...{ centres: [], source: 'given' },
    };
    return {
      offline: new Notarium({ url: noUrl, trusted }),
      online: new Notarium({ url: noUrl, trusted, rpcUrl: running.rpcUrl }),
      cutOff: new Notarium({ url: noUrl, trusted, rpcUrl: noUrl }),
    };
  }

  it('asks the chain about the signature of a proposer that is a contract wallet', async () => {
    const { actions } = kit.centres[0]!;
    const account = await memberWallet();
    const plain = kit.draft('general', {});
    const { content, hash } = readProposalContent({ ...plain.content, proposer: account });
    const draft = { ...plain, content, contentHash: hash };
    const signature = toHex(concat(await kit.sign(draft, 1), new Uint8Array(32).fill(3)));
    const { validUntil } = draft;
    const { proposalId } = await actions.propose(JSON.stringify({ content, validUntil, signature }));
    const detail = await detailOf(proposalId);
    expect(detail.result!.data.proposerSignature).to.equal(signature);
    const { epoch, electorate } = detail;
    const { offline, online, cutOff } = clients(
      epoch,
      electorate.map((each) => each.account),
    );
    const { data } = await expectCode('signature-needs-chain', offline.proposals.verify(detail));
    expect(data.want).to.equal(account);
    const { signal } = new AbortController();
    const unchecked = await judgeResult(offline, detail, { isByChain: false, signal });
    expect([unchecked.status, unchecked.needsChain]).to.deep.equal(['unchecked', true]);
    expect((await judgeResult(online, detail, { isByChain: true, signal })).status).to.equal('undecided');
    const verified = await online.proposals.verify(detail);
    expect(verified.content.proposer).to.equal(account);
    expect(verified.isConfirmed).to.equal(false);
    const forged = structuredClone(detail);
    forged.result!.data.validUntil++;
    await expectCode('signature-mismatch', online.proposals.verify(forged));
    // A wallet may change its mind.
    const call = wallet.encodeFunctionData('setMood', [refusing, devAddress(0), '0x']) as Hex;
    await sendAsDeployer(running.rpcUrl, 'mood', { to: account, data: call });
    await expectCode('signature-mismatch', online.proposals.verify(detail));
    await expectCode('chain-unreachable', cutOff.proposals.verify(detail));
  });

  it('says that only the chain knows of a wallet whose owner’s signature it takes as it is', async () => {
    const { actions } = kit.centres[0]!;
    const account = await memberWallet();
    const plain = kit.draft('general', {});
    const { content, hash } = readProposalContent({ ...plain.content, proposer: account });
    const draft = { ...plain, content, contentHash: hash };
    const signature = toHex(await kit.sign(draft, 1));
    const { validUntil } = draft;
    const { proposalId } = await actions.propose(JSON.stringify({ content, validUntil, signature }));
    const detail = await detailOf(proposalId);
    const { offline, online } = clients(
      detail.epoch,
      detail.electorate.map((each) => each.account),
    );
    const { signal } = new AbortController();
    const { status, error, needsChain } = await judgeResult(offline, detail, { isByChain: false, signal });
    expect([status, error?.code, needsChain]).to.deep.equal(['failed', 'signature-mismatch', true]);
    expect((await judgeResult(online, detail, { isByChain: true, signal })).status).to.equal('undecided');
    const forged = structuredClone(detail);
    forged.result!.data.validUntil++;
    const verdict = await judgeResult(online, forged, { isByChain: true, signal });
    expect([verdict.status, verdict.needsChain]).to.deep.equal(['failed', undefined]);
  });

  it('needs no chain where the proposer has a key', async () => {
    const { proposalId } = await kit.centres[0]!.actions.propose(generalDraft('by key'));
    const detail = await detailOf(proposalId);
    const { offline, online } = clients(
      detail.epoch,
      detail.electorate.map(({ account }) => account),
    );
    expect((await offline.proposals.verify(detail)).content.title).to.equal('by key');
    expect(await online.proposals.verify(detail)).to.deep.equal(await offline.proposals.verify(detail));
  });
});
