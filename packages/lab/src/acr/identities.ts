// SPDX-License-Identifier: Apache-2.0
// Who is asking, and what of the asked scopes they may have: Basic accounts, ACR tokens, Entra tokens, nobody.
import type { QuarantineRight } from './quarantine-policy.ts';
import { allActions, mayListCatalog, quarantineRight, repositoryActions, type Assignment, type RoleMode } from './roles.ts';
import type { Access, Tokens } from './tokens.ts';

/** A user with a password: the admin user, a service principal, a token of a scope map. */
export interface Account {
  readonly username: string;
  readonly password: string;
  /** Object id whose role assignments count; without it the account is an admin user and may do everything. */
  readonly principal?: string;
}

/** What a valid Entra token says. */
export interface EntraIdentity {
  readonly principal: string;
  readonly tenant: string;
}

/** Somebody who proved who they are, or nobody. */
export interface Holder {
  readonly sub: string;
  readonly tenant: string;
  /** Everything, what is public, what the roles say now, or what a token says. */
  readonly rights: 'all' | 'public' | 'roles' | readonly Access[];
}

/** What decides rights; read anew at every question, so it may change at run time. */
export interface Permissions {
  readonly mode: RoleMode;
  readonly anonymousPull: boolean;
  readonly assignments: readonly Assignment[];
}

/** Recognises callers and reduces scopes. */
export interface Identities {
  readonly nobody: Holder;
  basic(header: string): Promise<Holder | undefined>;
  refreshToken(token: string): Holder | undefined;
  accessToken(token: string): Holder | undefined;
  entraToken(token: string): Promise<Holder | undefined>;
  /** The part of the scopes (`repository:NAME:a,b`, `registry:catalog:*`) that the holder may have. */
  reduce(holder: Holder, scopes: readonly string[]): Access[];
  /** What the holder's roles say now; an admin user may mark images. */
  quarantine(holder: Holder): QuarantineRight;
}

/** The user name of every login with an ACR token as password. */
export const tokenUser = '00000000-0000-0000-0000-000000000000';

export interface IdentitiesOptions {
  readonly tokens: Tokens;
  readonly accounts: readonly Account[];
  readonly permissions: Permissions;
  readonly verifyEntraToken: (token: string) => Promise<EntraIdentity | undefined> | EntraIdentity | undefined;
}

/** Identities of one registry. */
export function createIdentities(options: IdentitiesOptions): Identities {
  const { tokens, accounts, permissions } = options;
  const refreshToken = (token: string): Holder | undefined => {
    const claims = tokens.read(token);
    return claims?.grant_type === 'refresh_token' ? { sub: claims.sub, tenant: claims.tenant, rights: 'roles' } : undefined;
  };
  const accessToken = (token: string): Holder | undefined => {
    const claims = tokens.read(token);
    return claims?.grant_type === 'access_token' ? { sub: claims.sub, tenant: claims.tenant, rights: claims.access } : undefined;
  };
  return {
    nobody: { sub: 'anonymous', tenant: '', rights: 'public' },
    refreshToken,
    accessToken,
    async entraToken(token) {
      const identity = await options.verifyEntraToken(token);
      return identity && { sub: identity.principal, tenant: identity.tenant, rights: 'roles' };
    },
    async basic(header) {
      const text = Buffer.from(header.replace(/^basic\s+/i, ''), 'base64').toString();
      const username = text.slice(0, text.indexOf(':'));
      const password = text.slice(text.indexOf(':') + 1);
      if (username === tokenUser) return refreshToken(password) ?? accessToken(password);
      const account = accounts.find((item) => item.username === username && item.password === password);
      return account && { sub: account.principal ?? account.username, tenant: '', rights: account.principal ? 'roles' : 'all' };
    },
    reduce: (holder, scopes) => scopes.flatMap((scope) => reduceScope(holder, scope, permissions) ?? []),
    quarantine({ sub, rights }) {
      const admin = rights === 'all' || (rights !== 'public' && accounts.some((account) => account.username === sub && account.principal === undefined));
      return admin ? 'write' : quarantineRight(permissions.assignments, { mode: permissions.mode, principal: sub });
    },
  };
}

function reduceScope(holder: Holder, scope: string, permissions: Permissions): Access | undefined {
  const [type, ...middle] = scope.split(':');
  const asked = (middle.pop() ?? '').split(',');
  const name = middle.join(':');
  if (type === 'registry' && name === 'catalog') return mayList(holder, permissions) ? { type, name, actions: ['*'] } : undefined;
  if (type !== 'repository' || !name) return undefined;
  const allowed = allowedActions(holder, name, permissions);
  const actions = asked.includes('*') ? [...allowed] : asked.filter((action) => allowed.has(action));
  return actions.length > 0 ? { type, name, actions } : undefined;
}

function mayList(holder: Holder, { assignments, mode }: Permissions): boolean {
  if (typeof holder.rights !== 'string') return holder.rights.some((access) => access.type === 'registry');
  return holder.rights === 'all' || (holder.rights === 'roles' && mayListCatalog(assignments, { mode, principal: holder.sub }));
}

// Anonymous pull is registry-wide and overrides ABAC (Microsoft Learn, "Make container registry content publicly available").
function allowedActions(holder: Holder, repository: string, { assignments, mode, anonymousPull }: Permissions): Set<string> {
  if (typeof holder.rights !== 'string') return new Set(holder.rights.filter((access) => access.type === 'repository' && access.name === repository).flatMap((access) => access.actions));
  if (holder.rights === 'all') return new Set(allActions);
  const granted = holder.rights === 'roles' ? repositoryActions(assignments, { mode, principal: holder.sub, repository }) : new Set<string>();
  return anonymousPull ? granted.add('pull').add('metadata_read') : granted;
}
