// SPDX-License-Identifier: Apache-2.0
// What Entra ID and its library refused, as failures (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
import { Failure, quoteWord, stripControl } from '@pratique/core';
import { jwtClaims, readRetryAfter } from '@pratique/oci';
import type { AzureRefusal } from './azure-http.ts';
import type { EntraWay } from './entra-way.ts';

const busy = new Set(['90055', '50196', '90033', '90036']);
const mismatch = new Set(['70021', '700211', '700212', '700213', '700223']);
const connection = /endpoints_resolution_error|network_error|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|fetch failed|timeout|aborted|openid_config/i;

/** What an attempt presented and was answered. */
export interface Attempted {
  readonly assertion: string | undefined;
  /** The last reply from 400 on: MSAL keeps back what was said during discovery, and every status. */
  readonly refusal: AzureRefusal | undefined;
  readonly now: Date;
}

/** Texts of an error and its causes, and what Entra said. */
function textOf(thrown: unknown, refusal: string): string {
  const texts: string[] = [];
  for (let error = thrown; error instanceof Error && texts.length < 10; error = error.cause) texts.push(`${'errorCode' in error ? `${String(error.errorCode)} ` : ''}${error.message}`);
  return stripControl([...texts, refusal.slice(0, 4000)].join(' | '));
}

/** Converts what a credential threw: `AZURE_UNAVAILABLE` when nobody answered, else `AZURE_LOGIN_FAILED` with what to do. Of the assertion only issuer, subject and audience are shown. */
export function entraFailure(thrown: unknown, way: EntraWay, { assertion, refusal, now }: Attempted): Failure {
  if (thrown instanceof Failure) return thrown;
  const inner = thrown instanceof Error && thrown.cause instanceof Failure ? thrown.cause : undefined;
  if (inner !== undefined) return inner;
  const text = textOf(thrown, refusal?.body ?? '');
  const number = /AADSTS(\d+)/.exec(text)?.[1];
  const facts = { way: way.kind, ...(number === undefined ? {} : { aadsts: `AADSTS${number}` }), ...('clientId' in way ? { clientId: way.clientId } : {}), ...('tenantId' in way ? { tenantId: way.tenantId } : {}) };
  const said = number === undefined ? text.slice(0, 300) : (new RegExp(`AADSTS${number}: ([^|]*?)(?: Trace ID| Correlation ID| Timestamp|\\||"|\\\\|$)`).exec(text)?.[1] ?? '').trim().slice(0, 300);
  const overloaded = refusal !== undefined && (refusal.status === 429 || refusal.status >= 500) ? refusal : undefined;
  if (overloaded !== undefined || (number === undefined ? connection.test(text) : busy.has(number))) {
    const late = overloaded && { status: overloaded.status, retryAfterSeconds: readRetryAfter(overloaded.retryAfter, now) };
    return new Failure({ code: 'AZURE_UNAVAILABLE', message: `Entra ID did not answer the ${way.kind} sign-in${overloaded ? ` (status ${overloaded.status})` : ''}: ${said}`, hint: unavailableHint(way), facts: { ...facts, ...late }, cause: thrown });
  }
  const hint = loginHint(number, way, assertion);
  return new Failure({ code: 'AZURE_LOGIN_FAILED', message: `Entra ID refused the ${way.kind} sign-in${number === undefined ? '' : ` with AADSTS${number}`}: ${said}`, ...(hint === undefined ? {} : { hint }), facts: { ...facts, ...shownClaims(assertion) }, cause: thrown });
}

function unavailableHint(way: EntraWay): string {
  return way.kind === 'managed-identity' ? 'Is this machine in Azure, with an identity assigned to it?' : 'Check azure-authority-host, the network and NODE_EXTRA_CA_CERTS.';
}

function shownClaims(assertion: string | undefined): { readonly issuer?: string; readonly subject?: string; readonly audience?: string } {
  const claims = assertion === undefined ? undefined : jwtClaims(assertion);
  if (claims === undefined) return {};
  const text = (value: unknown): string => stripControl(Array.isArray(value) ? value.join(' ') : String(value)).slice(0, 500);
  return { issuer: text(claims['iss']), subject: text(claims['sub']), audience: text(claims['aud']) };
}

function loginHint(number: string | undefined, way: EntraWay, assertion: string | undefined): string | undefined {
  if (way.kind === 'managed-identity') return 'Assign the identity to this machine; with several, set azure-client-id.';
  if (way.kind !== 'federated') return 'Run az login.';
  if (number !== undefined && mismatch.has(number)) return federationHint(way.clientId, assertion);
  if (number === '700016') return `The tenant ${way.tenantId} has no application or identity ${way.clientId}: check azure-client-id and azure-tenant-id.`;
  if (number === '90002') return `There is no tenant ${way.tenantId} here: check azure-tenant-id and azure-authority-host.`;
  if (number === '500011') return 'The audience is not known in this tenant: check azure-audience, azure-resource-manager and metrics-audience.';
  return undefined;
}

/** What was presented, and the command that lets it in. */
function federationHint(clientId: string, assertion: string | undefined): string {
  const { issuer = '', subject = '', audience = '' } = shownClaims(assertion);
  const parameters = JSON.stringify({ name: subject.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 100) || 'pratique', issuer, subject, audiences: [audience] });
  return [
    'No federated credential of the identity fits what was presented:',
    `  issuer   ${issuer}`, `  subject  ${subject}`, `  audience ${audience}`,
    'For an app registration run (for a user-assigned managed identity: az identity federated-credential create):',
    `az ad app federated-credential create --id ${quoteWord(clientId)} --parameters ${quoteWord(parameters)}`,
  ].join('\n');
}
