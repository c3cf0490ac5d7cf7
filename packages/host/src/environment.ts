// SPDX-License-Identifier: Apache-2.0
// The clean environment of every child: an allow list, because secrets come under ever new names.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Environment variables as `process.env` holds them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const allowed = new Set([
  'PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TERM', 'NO_COLOR', 'CI',
  'SSL_CERT_FILE', 'SSL_CERT_DIR', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'all_proxy',
  'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR', 'RUNNER_TEMP', 'RUNNER_TOOL_CACHE', 'SOURCE_DATE_EPOCH',
  'DOCKER_HOST', 'DOCKER_CONFIG', 'DOCKER_CONTEXT', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY', 'BUILDX_CONFIG', 'BUILDX_BUILDER', 'BUILDKIT_HOST',
  'CONTAINERS_CONF', 'CONTAINERS_STORAGE_CONF', 'CONTAINERS_REGISTRIES_CONF', 'STORAGE_DRIVER', 'BUILDAH_ISOLATION', 'REGISTRY_AUTH_FILE', 'AZURE_CONFIG_DIR',
]);

/** Where distributions keep the certificates that Go and OpenSSL read by default (Go: crypto/x509/root_linux.go). */
const systemBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem', '/etc/ssl/cert.pem'];

/** The variables of `env` that a child may see. No token, no `INPUT_*`, nothing that the list does not name. */
export function childVariables(env: Environment): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && (allowed.has(entry[0]) || entry[0].startsWith('LC_')));
  return Object.fromEntries(entries);
}

/**
 * The clean environment, made once. `NODE_EXTRA_CA_CERTS` means something to Node alone: it becomes an `SSL_CERT_FILE` of the
 * system's roots and the extra ones, in `scratch`, so that Go and C programs trust what this process trusts.
 */
export function createChildEnvironment(env: Environment, scratch: string): () => Promise<Record<string, string>> {
  let made: Promise<Record<string, string>> | undefined;
  return () => (made ??= makeEnvironment(env, scratch));
}

async function makeEnvironment(env: Environment, scratch: string): Promise<Record<string, string>> {
  const variables = childVariables(env);
  const extra = env['NODE_EXTRA_CA_CERTS'] ? await readOptional(env['NODE_EXTRA_CA_CERTS']) : undefined;
  if (extra === undefined) return variables;
  const bundle = join(scratch, 'certificates.pem');
  await writeFile(bundle, `${(await readSystemRoots(variables['SSL_CERT_FILE'])).trimEnd()}\n${extra}`, { mode: 0o600 });
  return { ...variables, SSL_CERT_FILE: bundle };
}

async function readSystemRoots(chosen: string | undefined): Promise<string> {
  for (const file of chosen ? [chosen] : systemBundles) {
    const roots = await readOptional(file);
    if (roots !== undefined) return roots;
  }
  // At use: at the top it would load the whole TLS stack at every start.
  const { rootCertificates } = await import('node:tls');
  return rootCertificates.join('\n');
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'EACCES')) return undefined;
    throw thrown;
  }
}
