import type { RegistryNode } from '../../chain/RegistryNode.ts';
import type { Member, MemberRole, Membership } from '../../core/activities/members.ts';
import { isSealingKey } from '../../core/activities/sealingKey.ts';
import type { Address } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Party } from './ActivityDesk.ts';
import type { ActivityHost } from './ActivityHost.ts';

type Parts = Pick<ActivityHost, 'registry' | 'network'>;
/** By what a node is called. */
type Called = Pick<RegistryNode, 'address' | 'name' | 'endpoint'> & { readonly status: string };
/** Nodes of a registry, or what a centre tells of them. */
type Registry<Node extends Called> = {
  readonly registry: { nodes(): readonly Node[] };
  readonly network: Pick<ActivityHost['network'], 'chainId'>;
};

/**
 * The node of the registry that a party is: of several by a name or an endpoint the one that is active or suspended.
 * @throws NotariumError `party-unknown`; `party-ambiguous` where several such nodes go by that name.
 */
export function findParty<Node extends Called>(parts: Registry<Node>, party: Party): Node {
  return theOne(nodesOf(parts, party), party);
}

/**
 * The member of an activity that a party is, whatever the registry says of it: who was taken out of that is a member until it is removed.
 * @throws NotariumError `party-unknown`, `party-ambiguous`; `request-invalid` where it is no member.
 */
export function findMember(parts: Parts, { members }: Pick<Membership, 'members'>, party: Party): Member {
  const named = addressOf(parts, party);
  const nodes = nodesOf(parts, party);
  const found = members.filter(({ address }) => address === named || nodes.some((node) => node.address === address));
  const [only, ...others] = found;
  if (!only) throw new NotariumError('request-invalid', `${theOne(nodes, party).address} is no member`);
  if (others.length === 0) return only;
  const isFound = ({ address }: Member | RegistryNode) => found.some((member) => member.address === address);
  const { address } = theOne(nodes.filter(isFound), party);
  return found.find((member) => member.address === address)!;
}

/** What a party is where it is given by an address. */
function addressOf({ network }: Pick<Registry<Called>, 'network'>, party: Party): Address | undefined {
  const prefix = `eip155:${network.chainId}:`;
  const plain = party.startsWith(prefix) ? party.slice(prefix.length) : party;
  return /^0x[0-9a-f]{40}$/i.test(plain) ? (plain.toLowerCase() as Address) : undefined;
}

function nodesOf<Node extends Called>(parts: Registry<Node>, party: Party): Node[] {
  const named = addressOf(parts, party);
  const isCalledSo = ({ address, name, endpoint }: Called): boolean =>
    named === undefined ? name === party || sameEndpoint(endpoint, party) : address === named;
  return parts.registry.nodes().filter(isCalledSo);
}

function theOne<Node extends Called>(found: readonly Node[], party: Party): Node {
  // Anybody may apply under a name that is taken, and who was removed keeps its own. Who is suspended is in the consortium: what is meant for
  // it goes to nobody that calls itself so, too.
  const within = found.filter(({ status }) => status === 'active' || status === 'suspended');
  const some = within.length > 0 ? within : found;
  const [only, ...others] = some;
  if (only && others.length === 0) return only;
  const shown = party.slice(0, 128).toWellFormed();
  if (!only) throw new NotariumError('party-unknown', shown, { data: { party: shown } });
  const named = some.slice(0, mostNamed).map(({ address, name }) => `${address} (${name.slice(0, 64) || 'no name'})`);
  const detail = `${some.length} nodes are called ${shown}: ${named.join(', ')}`;
  throw new NotariumError('party-ambiguous', detail, { data: { party: shown } });
}

const mostNamed = 8;

/**
 * A party as a member.
 * @throws NotariumError `party-unknown`, `party-ambiguous`, `party-unfit`.
 */
export function memberOfParty(parts: Parts, party: Party, role: MemberRole): Member {
  return asMember(findParty(parts, party), role);
}

/** @throws NotariumError `party-unfit` for a node that is not active, or has no key to which something can be sealed. */
export function asMember(node: RegistryNode, role: MemberRole): Member {
  const { address, encryptionKey: key } = node;
  checkActive(node);
  if (!isSealingKey(key)) throw unfit(node, 'it has no encryption key');
  return { address, role, key };
}

/** @throws NotariumError `party-unfit` for a node that is not active. */
export function checkActive(node: Called): void {
  if (node.status !== 'active') throw unfit(node, `it is ${node.status} in the registry`);
}

function unfit({ address, name, status }: Called, detail: string): NotariumError {
  return new NotariumError('party-unfit', `${name || address}: ${detail}`, { data: { address, status } });
}

/** The key to which a member's messages are sealed now, as the registry has it; undefined where it is no active node. */
export function keyOf({ registry }: Pick<Parts, 'registry'>, member: Address): Member['key'] | undefined {
  const node = registry.nodes().find(({ address }) => address === member);
  return node?.status === 'active' && isSealingKey(node.encryptionKey) ? node.encryptionKey : undefined;
}

/** Whether the registry has another key for a member, or none. */
export function hasKeyOfItsOwn({ registry }: Pick<Parts, 'registry'>, { address, key }: Member): boolean {
  return registry.nodes().find((node) => node.address === address)?.encryptionKey !== key;
}

function sameEndpoint(endpoint: string, party: string): boolean {
  if (endpoint === '' || !URL.canParse(endpoint) || !URL.canParse(party)) return false;
  return new URL(endpoint).href === new URL(party).href;
}
