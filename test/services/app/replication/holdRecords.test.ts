import { expect } from 'chai';
import { serveHold } from '../../../../services/app/replication/holdRecords.ts';
import type { ReplicationParts } from '../../../../services/app/replication/ReplicationParts.ts';
import { heldSchema, onlyFrame, readJson } from '../../../../services/app/replication/wire.ts';
import { checkAcceptance } from '../../../../services/core/acceptance.ts';
import { toHex } from '../../../../services/core/bytes.ts';
import { encodeEntries } from '../../../../services/core/log/entryBundle.ts';
import type { Net, RequestHandler } from '../../../../services/net/Net.ts';
import { crypto, randomSigner } from '../../../support/recordKit.ts';
import { logAll } from '../../store/storeKit.ts';
import { openVoter, poolRow, slot, testNetwork } from './replicationKit.ts';

describe('serveHold', () => {
  it('promises what it has on disk, in the pool or in a block that came first, and nothing else', async () => {
    await using voter = await openVoter();
    const signer = randomSigner();
    let handler: RequestHandler | undefined;
    const net: Partial<Net> = {
      ...voter.parts.net,
      handle: (_, given) => {
        handler = given;
      },
    };
    serveHold({ ...voter.parts, net: net as Net, signer } as ReplicationParts);
    const logged = await voter.record();
    await logAll(voter.store, [poolRow(logged)], slot - 5);
    const fresh = await voter.record();
    const orphan = await voter.record({ supersedes: (await voter.record()).id });
    const bundle = encodeEntries([logged.entry, fresh.entry, orphan.entry]);
    const frames = (async function* () {
      yield bundle;
    })();
    const answers = readJson(
      heldSchema,
      await onlyFrame(handler!(frames, voter.publisher, AbortSignal.timeout(120_000))),
    );
    expect(answers.map((answer) => answer?.recordId)).to.deep.equal([logged.id, fresh.id, undefined]);
    for (const acceptance of answers.slice(0, 2)) {
      checkAcceptance(testNetwork, acceptance!, crypto);
      expect(acceptance!.centre).to.equal(signer.address);
      expect(acceptance!.includeBySlot).to.be.greaterThan(slot);
    }
    // What it has promised it watches, as if its own client had brought it; what nobody asked for it does not.
    await voter.store.admit([poolRow(await voter.record())]);
    const { includeBySlot } = answers[1]!;
    expect((await voter.store.overdue(includeBySlot + 1, 10)).map(toHex)).to.deep.equal([fresh.id]);
    expect(await voter.store.overdue(includeBySlot, 10)).to.deep.equal([]);
  });
});
