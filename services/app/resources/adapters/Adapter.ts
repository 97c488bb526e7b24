import type { Json } from '../../../core/governance/json.ts';

/** A configuration on its way into a resource. */
export type Written = {
  /** Name of the resource set. */
  readonly resourceSet: string;
  readonly version: number;
  readonly configuration: Json;
};

/** What a resource has to be told with a question. */
export type Asked = Pick<Written, 'resourceSet' | 'version'>;

/**
 * The way to one resource set's real configuration. Both calls end within the adapter's own time limit, and when the signal
 * aborts. Neither is called while another one on the same set is under way.
 */
export type Adapter = {
  /** For people: what kind it is and where it leads to, without anything secret. */
  readonly name: string;
  /**
   * What is really there; undefined where nothing is.
   * @throws NotariumError `resource-failed` when it cannot be known; the `json-…` codes and `text-not-utf8` when what is
   *   there is no JSON with one reading.
   */
  read(asked: Asked, signal: AbortSignal): Promise<Json | undefined>;
  /**
   * Puts a whole configuration in the place of what is there. Again with the same is harmless.
   * @throws NotariumError `resource-failed`: it may or may not be there.
   */
  write(written: Written, signal: AbortSignal): Promise<void>;
};
