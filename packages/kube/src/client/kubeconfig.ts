// SPDX-License-Identifier: Apache-2.0
// Reads a kubeconfig strictly (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/): one context, and how to speak with its cluster.
// Our own reader: @kubernetes/client-node's `config` module imports its whole generated API, and reads files and environment by itself.
import { Failure, isJsonObject, type TlsSettings } from '@pratique/core';
import { readYamlDocuments } from '../yaml.ts';
import { fieldOf, listOf, textOf } from './object.ts';

/** A program that gives credentials (kubelogin and the like). */
export interface CredentialPlugin {
  readonly apiVersion: 'client.authentication.k8s.io/v1' | 'client.authentication.k8s.io/v1beta1';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Shown when the program is not there. */
  readonly installHint: string;
  readonly provideClusterInfo: boolean;
}

/** One context of a kubeconfig, resolved. */
export interface ClusterAccess {
  readonly context: string;
  /** `https://HOST[:PORT][/PATH]`, without a slash at the end. */
  readonly server: string;
  readonly namespace: string;
  readonly tls: TlsSettings;
  readonly token?: string;
  readonly plugin?: CredentialPlugin;
  /** Gives the token of the moment, in place of the plugin; it renews it by itself. */
  readonly bearer?: () => Promise<string>;
}

const problem = (message: string, hint?: string): Failure => new Failure({ code: 'KUBE_CONFIG_INVALID', message, ...(hint === undefined ? {} : { hint }) });

const flatten = 'Write one that holds everything itself: kubectl config view --minify --flatten.';

/**
 * Reads `text`. `context` replaces its `current-context`. Everything must be in the text itself: paths of files are refused, so that a
 * kubeconfig from elsewhere cannot read this machine. Fails with `KUBE_CONFIG_INVALID`; no value of a credential is in any message.
 */
export function readKubeconfig(text: string, context?: string): ClusterAccess {
  const documents = readYamlDocuments(text, { what: 'the kubeconfig', code: 'KUBE_CONFIG_INVALID' });
  const [config] = documents;
  if (documents.length !== 1 || !isJsonObject(config)) throw problem('the kubeconfig must hold one YAML mapping');
  const name = context ?? textOf(config, 'current-context');
  if (name === '') throw problem('the kubeconfig has no current-context', 'Name the context, or set it: kubectl config use-context NAME.');
  const chosen = namedEntry(config, 'contexts', { name, part: 'context' });
  const cluster = namedEntry(config, 'clusters', { name: textOf(chosen, 'cluster'), part: 'cluster' });
  const userName = textOf(chosen, 'user');
  const user = userName === '' ? {} : namedEntry(config, 'users', { name: userName, part: 'user' });
  const client = readClient(user);
  const authorities = readPem(cluster, 'certificate-authority');
  const serverName = textOf(cluster, 'tls-server-name');
  return {
    context: name, server: readServer(cluster), namespace: textOf(chosen, 'namespace') || 'default',
    tls: { ...(authorities === undefined ? {} : { authorities }), ...(client === undefined ? {} : { client }), ...(serverName === '' ? {} : { serverName }) },
    ...readCredentials(user),
  };
}

function namedEntry(config: unknown, list: string, { name, part }: { readonly name: string; readonly part: string }): unknown {
  const entries = listOf(config, list).filter((entry) => entry['name'] === name);
  const found = fieldOf(entries[0], part);
  if (entries.length === 1 && isJsonObject(found)) return found;
  const known = listOf(config, list).map((entry) => textOf(entry, 'name')).filter(Boolean).slice(0, 20);
  throw problem(`the kubeconfig has ${entries.length > 1 ? 'more than one' : 'no'} ${part} "${name}"`, known.length === 0 ? undefined : `It has: ${known.join(', ')}.`);
}

function readServer(cluster: unknown): string {
  const server = textOf(cluster, 'server').replace(/\/+$/, '');
  if (!URL.canParse(server) || new URL(server).protocol !== 'https:' || new URL(server).search !== '') throw problem('the server of the cluster is no https:// address');
  if (fieldOf(cluster, 'insecure-skip-tls-verify') === true) throw problem('insecure-skip-tls-verify is not supported: whoever is in between could take the credentials', 'Put the authority of the cluster into certificate-authority-data.');
  if (textOf(cluster, 'proxy-url') !== '') throw problem('proxy-url is not supported', 'Set HTTPS_PROXY and NODE_USE_ENV_PROXY=1 in the environment of the step instead.');
  return server;
}

function readPem(entry: unknown, key: string): string | undefined {
  if (textOf(entry, key) !== '') throw problem(`${key} names a file`, flatten);
  const data = textOf(entry, `${key}-data`);
  if (data === '') return undefined;
  const pem = Buffer.from(data, 'base64').toString('utf8');
  if (!/-----BEGIN [A-Z0-9 ]+-----[\s\S]+-----END [A-Z0-9 ]+-----/.test(pem)) throw problem(`${key}-data is not base64 of PEM`);
  return pem;
}

function readClient(user: unknown): TlsSettings['client'] {
  const certificate = readPem(user, 'client-certificate');
  const key = readPem(user, 'client-key');
  if ((certificate === undefined) !== (key === undefined)) throw problem('the user has a client certificate or a key, but not both');
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

function readCredentials(user: unknown): Pick<ClusterAccess, 'token' | 'plugin'> {
  for (const [key, instead] of [['auth-provider', 'an exec plugin such as kubelogin'], ['username', 'a token or client certificate'], ['as', 'an identity of its own'], ['as-uid', 'an identity of its own']] as const) {
    if (fieldOf(user, key) !== undefined) throw problem(`${key} of the user is not supported`, `Use ${instead}.`);
  }
  if (textOf(user, 'tokenFile') !== '') throw problem('tokenFile names a file', flatten);
  const token = textOf(user, 'token');
  if (/[^\x21-\x7e]/.test(token)) throw problem('the token of the user has characters that no token has');
  const exec = fieldOf(user, 'exec');
  // As in client-go, a token in the file wins over the plugin.
  return token !== '' ? { token } : exec === undefined ? {} : { plugin: readPlugin(exec) };
}

function readPlugin(exec: unknown): CredentialPlugin {
  const apiVersion = textOf(exec, 'apiVersion');
  if (apiVersion !== 'client.authentication.k8s.io/v1' && apiVersion !== 'client.authentication.k8s.io/v1beta1') throw problem('the exec plugin of the user speaks a version that is not supported', 'client.authentication.k8s.io/v1 and v1beta1 are.');
  const command = textOf(exec, 'command');
  const args = fieldOf(exec, 'args') ?? [];
  if (command === '' || !Array.isArray(args) || !args.every((entry) => typeof entry === 'string')) throw problem('the exec plugin of the user has no command, or arguments that are no texts');
  if (textOf(exec, 'interactiveMode') === 'Always') throw problem(`the exec plugin ${command} wants to ask a person`, 'For kubelogin: kubelogin convert-kubeconfig -l azurecli (or workloadidentity).');
  const env = Object.fromEntries(listOf(exec, 'env').map((entry) => [textOf(entry, 'name'), textOf(entry, 'value')]));
  return { apiVersion, command, args, env, installHint: textOf(exec, 'installHint').slice(0, 500), provideClusterInfo: fieldOf(exec, 'provideClusterInfo') === true };
}
