import { type ChaosNetwork, type FaultReport, faultTable, startChaosNetwork } from '../support/chaos/ChaosNetwork.ts';
import { type Fault, faultsOf, reorganisationsOf } from '../support/chaos/faults.ts';

const reports: FaultReport[] = [];

function suffering(title: string, faults: readonly Fault[], start: () => Promise<ChaosNetwork>): void {
  describe(title, function () {
    this.timeout(600_000);
    let network: ChaosNetwork;
    let isBroken = false;

    before(async () => {
      network = await start();
    });
    after(() => network?.[Symbol.asyncDispose]());

    for (const fault of faults) {
      // It throws when an acknowledged record is lost or logged twice, or the centres do not agree in the end.
      it(fault.name, async function () {
        // What a failed fault has left behind would only blame the next ones.
        if (isBroken) this.skip();
        isBroken = true;
        reports.push(await network.suffer(fault));
        isBroken = false;
      });
    }
  });
}

suffering('faults that four centres survive under load', faultsOf(1), () => startChaosNetwork());
suffering('reorganisations that four centres survive under load', reorganisationsOf(1), () =>
  startChaosNetwork({ confirmations: 2 }),
);

after(() => {
  process.stdout.write(`\n${faultTable(reports)}\n`);
});
