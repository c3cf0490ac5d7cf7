// SPDX-License-Identifier: Apache-2.0
// Credentials of the docker config file and its helpers (docker/cli: cli/config/configfile; docker/docker-credential-helpers).
import { Failure, isJsonObject, parseJsonObject, type Context, type JsonObject } from '@pratique/core';
import type { Credentials, CredentialsSource } from '@pratique/oci';

/** The config file of docker. */
export interface DockerConfig {
  /** Whether it has something for this registry by name: a default store alone is not that. */
  names(registry: string): boolean;
  readonly credentials: CredentialsSource;
}

/** Opens `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`; `undefined` when there is none. Fails with `INPUT_INVALID`. */
export async function openDockerConfig(ctx: Context): Promise<DockerConfig | undefined> {
  const folder = (await readVariable(ctx, 'DOCKER_CONFIG')) ?? (await homeFolder(ctx));
  const path = folder === undefined ? undefined : `${folder}/config.json`;
  const file = path === undefined ? undefined : await ctx.files.open(path);
  if (path === undefined || file?.kind !== 'file') return undefined;
  const config = parseJsonObject(await file.bytes(), path, 'INPUT_INVALID');
  return { names: (registry) => findEntry(config['auths'], registry) !== undefined || helperOf(config, registry, 'credHelpers') !== undefined, credentials: (registry) => readCredentials(ctx, config, registry) };
}

async function homeFolder(ctx: Context): Promise<string | undefined> {
  const home = await readVariable(ctx, 'HOME');
  return home === undefined ? undefined : `${home}/.docker`;
}

/** A variable of the clean environment that children get; steps have no environment of their own. */
async function readVariable(ctx: Context, name: string): Promise<string | undefined> {
  try {
    const { exitCode, stdout } = await ctx.exec.run({ file: 'printenv', args: [name], timeoutSeconds: 10 });
    return exitCode === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'TOOL_MISSING') return undefined;
    throw thrown;
  }
}

// Docker Hub is kept under its old address (docker/cli: registry.IndexServer).
const aliases = (registry: string): readonly string[] => (registry === 'docker.io' ? [registry, 'index.docker.io', 'registry-1.docker.io'] : [registry]);
const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').split('/')[0] ?? '';

function findEntry(entries: unknown, registry: string): readonly [string, unknown] | undefined {
  return isJsonObject(entries) ? Object.entries(entries).find(([key]) => aliases(registry).includes(hostOf(key))) : undefined;
}

function helperOf(config: JsonObject, registry: string, key: 'credHelpers' | 'credsStore'): { readonly program: string; readonly server: string } | undefined {
  const [server, name] = key === 'credHelpers' ? (findEntry(config[key], registry) ?? []) : [findEntry(config['auths'], registry)?.[0] ?? registry, config[key]];
  // The name becomes a program name: nothing but a plain word may stand there.
  return server !== undefined && typeof name === 'string' && /^[A-Za-z0-9_.-]+$/.test(name) ? { program: `docker-credential-${name}`, server } : undefined;
}

async function readCredentials(ctx: Context, config: JsonObject, registry: string): Promise<Credentials | undefined> {
  const helper = helperOf(config, registry, 'credHelpers') ?? helperOf(config, registry, 'credsStore');
  const helped = helper === undefined ? undefined : await askHelper(ctx, helper);
  const found = helped ?? entryCredentials(findEntry(config['auths'], registry)?.[1]);
  if (found !== undefined) ctx.mask('password' in found ? found.password : found.refreshToken);
  return found;
}

async function askHelper(ctx: Context, helper: { readonly program: string; readonly server: string }): Promise<Credentials | undefined> {
  const { exitCode, stdout } = await ctx.exec.run({ file: helper.program, args: ['get'], stdin: helper.server, timeoutSeconds: 60 });
  if (exitCode !== 0) {
    if (/credentials not found/i.test(stdout)) return undefined;
    throw new Failure({ code: 'REGISTRY_UNAUTHORIZED', message: `${helper.program} gives no credentials for ${helper.server} (exit code ${exitCode})`, hint: `Run docker login ${hostOf(helper.server)}.` });
  }
  const { Username: username, Secret: secret } = parseJsonObject(stdout, `the answer of ${helper.program}`, 'REGISTRY_UNAUTHORIZED');
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '') return undefined;
  return username === '<token>' ? { refreshToken: secret } : { username, password: secret };
}

function entryCredentials(entry: unknown): Credentials | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { identitytoken, auth, username, password } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '') return { refreshToken: identitytoken };
  if (typeof username === 'string' && typeof password === 'string' && password !== '') return { username, password };
  if (typeof auth !== 'string') return undefined;
  const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = text.indexOf(':');
  return colon > 0 ? { username: text.slice(0, colon), password: text.slice(colon + 1) } : undefined;
}
