/** One row of docs/gas.md. */
export type GasRow = {
  operation: string;
  gas: bigint;
  ceiling?: bigint;
  /** Why the ceiling cannot hold: what the least is that it can cost, and what was tried. */
  missed?: string;
  peer?: string;
};
