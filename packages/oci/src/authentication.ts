// SPDX-License-Identifier: Apache-2.0
// The contract between a registry client and whoever knows the credentials.
import type { Challenge } from './challenge.ts';

/** How an authenticator talks to a token endpoint: with the timeouts, retries and failures of the registry client, over https only. */
export type TokenCall = (call: { readonly method: 'GET' | 'POST'; readonly url: string; readonly headers?: Readonly<Record<string, string>>; readonly form?: URLSearchParams }) => Promise<TokenReply>;

/** A reply of a token endpoint; anything but 200, 400, 401 and 403 is a failure already. */
export interface TokenReply {
  readonly status: number;
  /** The JSON body; empty when there is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface AuthorizationRequest {
  /** Host with port. */
  readonly registry: string;
  /** For example `repository:quarantine/web:pull,push`; several for a mount. */
  readonly scopes: readonly string[];
  /** Of the 401 that came just before; absent on the first try. */
  readonly challenge?: Challenge;
  /** The header that this challenge refused: a cached token with it must not be used again. */
  readonly refused?: string;
  readonly call: TokenCall;
  readonly now: () => Date;
}

/** Gives the Authorization header of a call. */
export interface Authenticator {
  /**
   * Header value for the scopes; `undefined` = none, or none known before the first challenge.
   * Fails with `REGISTRY_UNAUTHORIZED` when the credentials are refused.
   */
  authorize(request: AuthorizationRequest): Promise<string | undefined>;
}
