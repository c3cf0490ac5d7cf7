// SPDX-License-Identifier: Apache-2.0
// The role assignment that is missing, as a command (Microsoft Learn: "Azure attribute-based access control for repository permissions", "Azure Container Registry Entra permissions and role assignments").
import { quoteWord } from '@pratique/core';

export interface MissingRole {
  /** Login server. */
  readonly registry: string;
  /** For example `repository:quarantine/web:pull,push`, `registry:catalog:*`. */
  readonly scope: string;
  readonly mode: 'abac' | 'legacy';
  /** Object or client id; `undefined` when nobody signed in. */
  readonly assignee: string | undefined;
}

interface Role {
  readonly name: string;
  /** Data actions that a condition must name; none for a role that has no condition. */
  readonly dataActions: readonly string[];
}

const actions = (kinds: readonly string[]): string[] => ['content', 'metadata'].flatMap((what) => kinds.map((kind) => `Microsoft.ContainerRegistry/registries/repositories/${what}/${kind}`));

/** Type, name and actions of a scope; a repository name may not hold a colon, a host could. */
export function parseScope(scope: string): { readonly type: string; readonly name: string; readonly actions: readonly string[] } {
  const [type = '', ...rest] = scope.split(':');
  return { type, name: rest.slice(0, -1).join(':'), actions: (rest.at(-1) ?? '').split(',').filter(Boolean) };
}

/** The least built-in role that grants the scope. */
export function roleFor(scope: string, mode: 'abac' | 'legacy'): Role {
  const { type, actions: wanted } = parseScope(scope);
  const wants = (...names: string[]): boolean => names.some((name) => wanted.includes(name));
  if (mode === 'legacy') return { name: wants('metadata_write') ? 'Contributor' : wants('delete') ? 'AcrDelete' : wants('push') ? 'AcrPush' : 'AcrPull', dataActions: [] };
  if (type === 'registry') return { name: 'Container Registry Repository Catalog Lister', dataActions: [] };
  if (wants('delete')) return { name: 'Container Registry Repository Contributor', dataActions: actions(['read', 'write', 'delete']) };
  if (wants('push', 'metadata_write')) return { name: 'Container Registry Repository Writer', dataActions: actions(['read', 'write']) };
  return { name: 'Container Registry Repository Reader', dataActions: actions(['read']) };
}

/** The command for the role that marks images of ACR's quarantine policy; it is registry-wide in both modes. */
export function quarantineRoleHint({ registry, assignee }: Pick<MissingRole, 'registry' | 'assignee'>): string {
  const who = assignee === undefined ? '"$ASSIGNEE"' : quoteWord(assignee);
  return `The identity needs the role "AcrQuarantineWriter" beside its role on repositories:\naz role assignment create --assignee ${who} --role AcrQuarantineWriter --scope ${registryId(registry)}`;
}

// By login server, not by name: with a domain name label the host is not the name of the registry.
function registryId(registry: string): string {
  return `"$(az acr list --query ${quoteWord(`[?loginServer=='${registry}'].id`)} --output tsv)"`;
}

/** The whole command, ready to paste; in ABAC mode with the condition that limits it to the repository. */
export function roleHint(missing: MissingRole): string {
  const role = roleFor(missing.scope, missing.mode);
  const { name } = parseScope(missing.scope);
  const command = [
    'az role assignment create',
    `--assignee ${missing.assignee === undefined ? '"$ASSIGNEE"' : quoteWord(missing.assignee)}`,
    `--role "${role.name}"`,
    `--scope ${registryId(missing.registry)}`,
    ...(role.dataActions.length === 0 ? [] : [`--condition-version 2.0 --condition ${quoteWord(conditionFor(role.dataActions, name))}`]),
  ].join(' ');
  const nobody = missing.assignee === undefined ? ' (ASSIGNEE: object id of the identity that should sign in)' : '';
  return `The identity needs the role "${role.name}"${nobody}; a new assignment takes some minutes to work:\n${command}`;
}

function conditionFor(dataActions: readonly string[], repository: string): string {
  const others = dataActions.map((action) => `!(ActionMatches{'${action}'})`).join(' AND ');
  return `((${others}) OR (@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEqualsIgnoreCase '${repository}'))`;
}
