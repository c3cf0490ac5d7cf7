// SPDX-License-Identifier: Apache-2.0
// Federated identity credentials: which foreign token may stand for which client
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation).
import type { JsonObject } from '@pratique/core';
import { refuse, type EntraError } from './refusal.ts';

/** Issuer, subject and audience are compared as they are, case included. */
export interface FederatedCredential {
  readonly clientId: string;
  readonly issuer: string;
  readonly subject: string;
  /** Usually `api://AzureADTokenExchange`. */
  readonly audience: string;
}

const advice = 'Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation';
const noRecord = (what: string, value: unknown): string => `No matching federated identity record found for presented assertion ${what} '${String(value)}'. ${advice}`;

/** The client's credential that the claims match; or the error that names what did not. */
export function findCredential(credentials: readonly FederatedCredential[], claims: JsonObject): FederatedCredential | EntraError {
  const issued = credentials.filter((each) => each.issuer === claims['iss']);
  if (issued.length === 0) return refuse('invalid_client', 700211, noRecord('issuer', claims['iss']));
  const subjects = issued.filter((each) => each.subject === claims['sub']);
  if (subjects.length === 0) return refuse('invalid_client', 700213, noRecord('subject', claims['sub']));
  const match = subjects.find((each) => [claims['aud']].flat().includes(each.audience));
  return match ?? refuse('invalid_client', 700212, noRecord('audience', claims['aud']));
}
