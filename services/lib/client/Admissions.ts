import { type CheckedManifest, readManifest } from '../../core/admission/manifest.ts';
import type { Address } from '../../core/bytes.ts';
import {
  type ApplicationAnswer,
  type AuthenticatorAnswer,
  applicationAnswerSchema,
  applicationListSchema,
  authenticatorAnswerSchema,
  type MadeManifest,
  madeManifestSchema,
  type OutcomeAnswer,
  outcomePageSchema,
} from './admissionAnswers.ts';
import type { CallOptions, Connection } from './Connection.ts';

/**
 * Candidates, and what authenticators have found out about them, asked of one centre. Who decides about them votes by
 * {@link Proposals}.
 */
export class Admissions {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What the centre challenges candidates by. @throws NotariumError `authenticator-missing` when it does not. */
  authenticator({ signal }: CallOptions = {}): Promise<AuthenticatorAnswer> {
    return this.#connection.http.json({ path: '/v1/admission', signal }, authenticatorAnswerSchema);
  }

  /** Candidates with a published application, in the order of the registry. */
  async applications({ signal }: CallOptions = {}): Promise<readonly ApplicationAnswer[]> {
    const path = '/v1/admission/applications';
    return (await this.#connection.http.json({ path, signal }, applicationListSchema)).items;
  }

  /** One of them, or the last one of a centre that was admitted by it. @throws NotariumError `not-found`. */
  application(candidate: Address, { signal }: CallOptions = {}): Promise<ApplicationAnswer> {
    return this.#connection.http.json(
      { path: `/v1/admission/applications/${candidate}`, signal },
      applicationAnswerSchema,
    );
  }

  /**
   * The protocol manifest that the rules on chain name, checked. Needs an API key of scope admin: it is for those who are to join.
   * @throws NotariumError `not-found` while the rules name none; `content-unavailable`, `manifest-invalid`.
   */
  async manifest({ signal }: CallOptions = {}): Promise<CheckedManifest> {
    const response = await this.#connection.http.send({ path: '/v1/admission/manifest', signal });
    return readManifest(await response.text(), await this.#connection.crypto());
  }

  /**
   * Makes the manifest of this network as the centre's software has it, and keeps it there; it counts when its hash has been voted
   * into the rules. Needs an API key of scope admin.
   * @param agreement What the operators have agreed on besides.
   * @throws NotariumError `manifest-invalid`, `json-too-large`.
   */
  makeManifest(agreement: string | undefined, { signal }: CallOptions = {}): Promise<MadeManifest> {
    const body = JSON.stringify(agreement === undefined ? {} : { agreement });
    return this.#connection.http.json(
      { method: 'POST', path: '/v1/admission/manifest', body, signal },
      madeManifestSchema,
    );
  }

  /** How sessions with this authenticator ended, newest first, page after page. Needs an API key of scope admin. */
  async *outcomes(
    query: { candidate?: Address | undefined } = {},
    { signal }: CallOptions = {},
  ): AsyncGenerator<OutcomeAnswer> {
    for (let cursor: string | undefined; ; ) {
      const given = Object.entries({ ...query, cursor }).filter((entry): entry is [string, string] => !!entry[1]);
      const path = `/v1/admission/outcomes?${new URLSearchParams(given)}`;
      const page = await this.#connection.http.json({ path, signal }, outcomePageSchema);
      yield* page.items;
      if (page.next === undefined) return;
      cursor = page.next;
    }
  }
}
