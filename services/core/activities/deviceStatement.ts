import type { Hash, Hex } from '../bytes.ts';
import type { Attachments, Body } from './contents.ts';
import type { FieldBody, PackedFields } from './fields.ts';

/** What a device has made and signed, for the node that speaks for it to send: its signature is over `deviceStatementDigest`. */
export type DeviceStatement = {
  /** Id of the device's credential. */
  readonly credential: Hash;
  /** As one piece, or in fields as the device has made them. */
  readonly body: Exclude<Body, FieldBody> | PackedFields;
  readonly attachments: Attachments;
  /** When it has said so, by its own clock: Unix seconds. */
  readonly time: number;
  readonly signature: Hex;
};
