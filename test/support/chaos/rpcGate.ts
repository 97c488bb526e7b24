import { type RpcProxy, rpcProxy } from '../rpcProxy.ts';

/** The chain as one centre reaches it: a real HTTP server in between that a test can shut, or listen to. */
export type RpcGate = RpcProxy & {
  /** Every call is answered with an error of the provider until this is false again. */
  isShut: boolean;
  /** Called before a call of the method is passed on; once. */
  before(method: string, act: () => Promise<void> | void): void;
};

export async function rpcGate(target: string): Promise<RpcGate> {
  const acts = new Map<string, () => Promise<void> | void>();
  const proxy = await rpcProxy(target, ({ method }) => {
    const act = acts.get(method);
    if (act) {
      acts.delete(method);
      void act();
      // The process that asked is gone, or will be: what it wanted to send never arrives.
      return { error: { code: -32000, message: 'a test stopped this call' } };
    }
    return gate.isShut ? { error: { code: -32000, message: 'the provider is down' } } : undefined;
  });
  const gate: RpcGate = Object.assign(proxy, {
    isShut: false,
    before: (method: string, act: () => Promise<void> | void) => void acts.set(method, act),
  });
  return gate;
}
