// SPDX-License-Identifier: Apache-2.0
// May this request do what it asks: the 401 challenge of ACR, word for word, and what a token or account allows.
import type { Holder, Identities } from './identities.ts';
import type { QuarantineRight } from './quarantine-policy.ts';
import { Refusal } from './refusal.ts';

/** What a route needs. `or` is a second action that does as well. */
export type Need =
  | { readonly type: 'login' }
  | { readonly type: 'catalog' }
  | { readonly type: 'repository'; readonly name: string; readonly actions: readonly string[]; readonly or?: string };

/** A caller who may do it. */
export interface Caller {
  /** Throttling identity. */
  readonly identity: string;
  may(repository: string, action: string): boolean;
  /** With what a registry holds in quarantine; no scope of a token says it. */
  readonly quarantine: QuarantineRight;
  /** Whether the roles allow a push, whatever the token was asked for. */
  couldPush(repository: string): boolean;
}

export interface AuthorizationOptions {
  readonly identities: Identities;
  readonly loginServer: string;
  /** `https://HOST` of the token endpoint in the challenge. */
  readonly origin: string;
}

/** A caller of a registry that asks nobody. */
export const everybody: Caller = { identity: 'anonymous', may: () => true, quarantine: 'write', couldPush: () => true };

/** Recognises the caller and checks the need. Refuses with 401 and a challenge. */
export async function authorize(request: Request, need: Need, options: AuthorizationOptions): Promise<Caller> {
  const { identities } = options;
  const header = request.headers.get('authorization') ?? '';
  const holder = await recognise(header, identities);
  if (!holder) throw challenge(need, options, header ? 'invalid_token' : undefined);
  const may = (repository: string, action: string): boolean => allows(identities, holder, `repository:${repository}:${action}`);
  const mayList = (): boolean => allows(identities, holder, 'registry:catalog:*');
  if (!fulfils(need, may, mayList)) throw challenge(need, options, 'insufficient_scope');
  const couldPush = (repository: string): boolean => allows(identities, { ...holder, rights: 'roles' }, `repository:${repository}:push`);
  return { identity: holder.sub, may, quarantine: identities.quarantine(holder), couldPush };
}

async function recognise(header: string, identities: Identities): Promise<Holder | undefined> {
  if (/^bearer /i.test(header)) return identities.accessToken(header.slice(7).trim());
  return /^basic /i.test(header) ? identities.basic(header) : undefined;
}

function allows(identities: Identities, holder: Holder, scope: string): boolean {
  return identities.reduce(holder, [scope]).length > 0;
}

function fulfils(need: Need, may: Caller['may'], mayList: () => boolean): boolean {
  if (need.type === 'login') return true;
  if (need.type === 'catalog') return mayList();
  return need.actions.every((action) => may(need.name, action)) || (need.or !== undefined && may(need.name, need.or));
}

function challenge(need: Need, options: AuthorizationOptions, error: string | undefined): Refusal {
  const scope = need.type === 'login' ? undefined : need.type === 'catalog' ? 'registry:catalog:*' : `repository:${need.name}:${need.actions.join(',')}`;
  const parts = [`realm="${options.origin}/oauth2/token"`, `service="${options.loginServer}"`, ...(scope ? [`scope="${scope}"`] : []), ...(error ? [`error="${error}"`] : [])];
  return new Refusal({
    status: 401,
    code: 'UNAUTHORIZED',
    message: 'authentication required, visit https://aka.ms/acr/authorization for more information.',
    detail: detailOf(need),
    headers: { 'www-authenticate': `Bearer ${parts.join(',')}` },
  });
}

function detailOf(need: Need): unknown {
  if (need.type === 'login') return undefined;
  if (need.type === 'catalog') return [{ Type: 'registry', Name: 'catalog', Action: '*' }];
  return need.actions.map((action) => ({ Type: 'repository', Name: need.name, Action: action }));
}
