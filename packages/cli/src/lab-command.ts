// SPDX-License-Identifier: Apache-2.0
// `pratique lab up | acr | sigstore`: the lab's servers, each usable by itself, until a signal ends them.
import { once } from 'node:events';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { Failure } from '@pratique/core';
import { createAcrEmulator, createSigstore, keepServerCertificate, openKeyStore, serve, startLab, type Handler, type LabService } from '@pratique/lab';
import { requireKnown, type Arguments } from './arguments.ts';
import { clusterFlags, planCluster } from './lab-cluster.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Starts everything. `--data DIR` keeps it; `--port-acr 5000` and so on fix ports; `--cluster` adds a Kubernetes; `--json` prints every address as one JSON object. */
export async function labUp({ flags }: Arguments): Promise<number> {
  const ports = ['acr', 'mirror', 'github', 'entra', 'sigstore', 'arm', 'monitor'].map((service) => [service, `port-${service}`] as const);
  requireKnown(flags, ['help', 'json', 'data', ...clusterFlags, ...ports.map(([, flag]) => flag)]);
  if (flags['help']) return help('pratique lab up [--data DIR] [--cluster [--nodes COUNT] [--scrape-seconds SECONDS]] [--json]', ports.map(([, flag]) => `--${flag} PORT`));
  const wanted = Object.fromEntries(ports.filter(([, flag]) => flags[flag] !== undefined).map(([service, flag]) => [service, portOf(flags[flag] ?? '')])) as Partial<Record<LabService, number>>;
  const cluster = planCluster(flags);
  const lab = await startLab({ folder: await folderOf(flags['data']), ports: wanted });
  const opened = await cluster?.open(lab).catch(async (thrown: unknown) => {
    await lab.close();
    throw thrown;
  });
  const { addresses } = lab;
  if (flags['json']) say(JSON.stringify({ ...addresses, ...(opened ? { cluster: opened.addresses } : {}) }, undefined, 2));
  else {
    say(`registry   ${addresses.acr.loginServer}\nmirror     ${addresses.mirror.loginServer}\nsigstore   ${addresses.sigstore.url}\nGitHub     ${addresses.github.apiUrl}\nEntra      ${addresses.entra.authorityHost}\nAzure      ${addresses.arm.url} (Resource Manager)`);
    say(`CA         ${addresses.caFile}\neverything ${join(addresses.folder, 'lab.json')}`);
    for (const line of opened?.lines ?? []) say(line);
    say('Ctrl-C ends it.');
  }
  await untilSignal();
  await opened?.close();
  await lab.close();
  return 0;
}

/** Only the registry: `--port 5000 --data DIR [--http] [--anonymous]`; with both switches a plain OCI registry. */
export async function labAcr({ flags }: Arguments): Promise<number> {
  requireKnown(flags, ['help', 'json', 'port', 'data', 'http', 'anonymous']);
  if (flags['help']) return help('pratique lab acr [--port PORT] [--data DIR] [--http] [--anonymous] [--json]', []);
  const admin = { username: 'admin', password: 'admin-lab-secret' };
  return serveAlone(flags, async ({ url, folder }) => {
    const emulator = createAcrEmulator({ name: new URL(url).host, storage: { folder }, ...(flags['anonymous'] ? { anonymous: true } : { accounts: [admin] }) });
    await emulator.open();
    const login = flags['anonymous'] ? {} : { username: admin.username, password: admin.password };
    return { handle: emulator.handle, close: () => emulator.close(), address: login };
  });
}

/** Only Fulcio, both logs and the timestamp authority. `--issuer URL` names an OIDC issuer whose GitHub-shaped tokens are accepted. */
export async function labSigstore({ flags }: Arguments): Promise<number> {
  requireKnown(flags, ['help', 'json', 'port', 'data', 'http', 'issuer']);
  if (flags['help']) return help('pratique lab sigstore --issuer URL [--port PORT] [--data DIR] [--http] [--json]', []);
  const issuers = (flags['issuer'] ?? '').split('\n').filter(Boolean).map((url) => ({ url, type: 'github-workflow' as const }));
  return serveAlone(flags, async ({ url, folder }) => {
    const sigstore = await createSigstore({ folder, issuers });
    return { handle: (request) => sigstore.handle(request), close: () => sigstore.close(), address: { trustedRoot: `${url}/trusted_root.json`, signingConfig: `${url}/signing_config.json` } };
  });
}

interface Alone {
  readonly handle: Handler;
  readonly close: () => unknown;
  /** What clients need besides URL and CA. */
  readonly address: Readonly<Record<string, string>>;
}

/** Opens the port first, because a server must know its own address; then waits for a signal. */
async function serveAlone(flags: Arguments['flags'], open: (place: { readonly url: string; readonly folder: string }) => Promise<Alone>): Promise<number> {
  const folder = await folderOf(flags['data']);
  const tls = flags['http'] ? undefined : await certificateIn(folder);
  let handle: Handler = () => Promise.resolve(new Response('starting', { status: 503 }));
  const served = await serve((request) => handle(request), { port: portOf(flags['port'] ?? '0'), ...(tls ? { tls } : {}) });
  const server = await open({ url: served.url, folder });
  handle = server.handle;
  const address = { url: served.url, folder, ...(tls ? { caFile: join(folder, 'ca.pem') } : {}), ...server.address };
  say(flags['json'] ? JSON.stringify(address) : Object.entries(address).map(([name, value]) => `${name.padEnd(14)} ${value}`).join('\n'));
  await untilSignal();
  await served.close();
  await server.close();
  return 0;
}

function help(usage: string, more: readonly string[]): number {
  say([usage, ...more.map((line) => `  ${line}`)].join('\n'));
  return 0;
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new Failure({ code: 'INPUT_INVALID', message: `"${text}" is not a port` });
}

async function folderOf(given: string | undefined): Promise<string> {
  return given === undefined ? mkdtemp(join(tmpdir(), 'pratique-lab-')) : resolve(given);
}

async function certificateIn(folder: string): Promise<{ key: string; certificate: string }> {
  await mkdir(folder, { recursive: true });
  const store = await openKeyStore(join(folder, 'tls.json'));
  const tls = await keepServerCertificate(store, ['127.0.0.1', 'localhost'], new Date());
  await store.save();
  await writeFile(join(folder, 'ca.pem'), tls.authority);
  return tls;
}

async function untilSignal(): Promise<void> {
  const held = setInterval(() => undefined, 60_000);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  clearInterval(held);
}
