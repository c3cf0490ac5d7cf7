// SPDX-License-Identifier: Apache-2.0
// What the clients of clients.test.ts find: the emulator over TLS in ABAC mode, an image of two platforms in a layout, logins by ACR refresh tokens.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNodeContext } from '@pratique/host';
import { createAcrEmulator, createAuthority, serve, tokenUser, type AcrEmulator } from '@pratique/lab';
import { createLayout } from '@pratique/oci';
import { writeSampleImage } from '../fixtures/debian-image.ts';
import { installPackages } from '../tools/debian.ts';

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A principal's view: programs run with a configuration folder of its own. */
export interface Login {
  readonly password: string;
  /** Home and configuration of every client. */
  readonly folder: string;
  run(file: string, args: readonly string[], input?: string): Promise<Ended>;
}

export interface ClientWorld {
  readonly emulator: AcrEmulator;
  /** Login server. */
  readonly host: string;
  readonly user: string;
  readonly folder: string;
  /** Of the root certificate. */
  readonly caFile: string;
  /** OCI layout that holds the image under the tag `v1`. */
  readonly layout: string;
  readonly image: { readonly index: string; readonly amd64: string; readonly config: string };
  login(principal: string): Promise<Login>;
  close(): Promise<void>;
}

/** The roles that the tests count on. */
const assignments = [
  { principal: 'builder', role: 'Container Registry Repository Writer', prefix: 'quarantine/' },
  { principal: 'gate', role: 'Container Registry Repository Reader', prefix: 'quarantine/' },
  { principal: 'gate', role: 'Container Registry Repository Contributor', prefix: 'app/' },
  { principal: 'cluster', role: 'Container Registry Repository Reader', prefix: 'app/' },
];

/** Starts it, on free ports, blobs on a host of their own. */
export async function startClientWorld(): Promise<ClientWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'clients-'));
  const authority = await createAuthority();
  const tls = await authority.issue(['127.0.0.1', 'localhost']);
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, authority.certificate);
  const verifyEntraToken = (token: string): { principal: string; tenant: string } => ({ principal: token, tenant: 'tenant' });
  const emulator = createAcrEmulator({ storage: { folder: join(folder, 'registry') }, mode: 'abac', assignments, verifyEntraToken });
  const served = await serve(emulator.handle, { tls });
  const blobs = await serve(emulator.blobHandler, { tls });
  const host = `127.0.0.1:${served.port}`;
  Object.assign(emulator.settings, { name: host, blobRedirect: blobs.url });
  const { layout, image } = await writeLayout(join(folder, 'layout'));
  return {
    emulator, host, user: tokenUser, folder, caFile, layout, image,
    login: async (principal) => createLogin({ folder: join(folder, principal), caFile, password: await refreshToken(served.url, { host, principal, ca: authority.certificate }) }),
    async close() {
      await Promise.all([served.close(), blobs.close()]);
      await emulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeLayout(path: string): Promise<Pick<ClientWorld, 'layout' | 'image'>> {
  await using ctx = await createNodeContext({ print: () => undefined });
  const layout = await createLayout(ctx.files, path);
  const { index, platforms } = await writeSampleImage(layout);
  await layout.writeIndex([{ ...index, annotations: { 'org.opencontainers.image.ref.name': 'v1' } }]);
  const [amd64] = platforms;
  return { layout: path, image: { index: index.digest, amd64: amd64?.manifest.digest ?? '', config: amd64?.config.digest ?? '' } };
}

/** What `az acr login --expose-token` does. */
async function refreshToken(url: string, { host, principal, ca }: { host: string; principal: string; ca: string }): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'access_token', service: host, access_token: principal }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) };
  const text = await new Promise<string>((resolve, reject) => {
    const sent = request(`${url}/oauth2/exchange`, { method: 'POST', headers, agent: new Agent({ ca }) }, (reply) => {
      reply.setEncoding('utf8').on('data', resolve).on('error', reject);
    });
    sent.on('error', reject).end(body);
  });
  return (JSON.parse(text) as { refresh_token: string }).refresh_token;
}

async function createLogin({ folder, caFile, password }: { folder: string; caFile: string; password: string }): Promise<Login> {
  await mkdir(folder, { recursive: true });
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: join(folder, 'config.json'), XDG_RUNTIME_DIR: folder, SSL_CERT_FILE: caFile };
  const run: Login['run'] = (file, args, input = '') =>
    new Promise((resolve) => {
      const child = execFile(file, args, { env, cwd: folder, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr: stderr || (error?.message ?? '') });
      });
      child.stdin?.on('error', () => child.stdin?.destroy()).end(input);
    });
  return { folder, password, run };
}

/** A daemon of our own. */
export interface Dockerd {
  /** Value of `docker -H`. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts dockerd without networks, everything in `folder`; the root certificate comes by SSL_CERT_FILE, so nothing is installed in /etc. */
export async function startDockerd(folder: string, caFile: string): Promise<Dockerd> {
  const file = (await findDockerd()) ?? (installPackages(['docker.io'], () => undefined), await findDockerd());
  if (file === undefined) throw new Error('dockerd is not installed: sudo apt-get install docker.io');
  await mkdir(folder, { recursive: true });
  const address = `unix://${join(folder, 's')}`;
  const args = [
    '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid'), '--host', address, '--config-file', join(folder, 'daemon.json'),
    '--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs',
  ];
  await writeFile(join(folder, 'daemon.json'), '{}');
  const hadKey = await exists(identityKey);
  const child = spawn(file, args, { env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, SSL_CERT_FILE: caFile, HOME: folder }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await listening(child, join(folder, 's'), () => said);
  return {
    address,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      if (!hadKey) await rm(identityKey, { force: true });
    },
  };
}

// Docker 20.10 writes this one file outside the folders that it is given.
const identityKey = '/etc/docker/key.json';
const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

async function findDockerd(): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
  for (const folder of folders) {
    const path = join(folder, 'dockerd');
    if (await exists(path)) return path;
  }
  return undefined;
}

async function listening(child: ChildProcess, socket: string, said: () => string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) throw new Error(`dockerd ended with ${child.exitCode}:\n${said()}`);
    if (said().includes('API listen on') && (await exists(socket))) return;
    await sleep(200);
  }
  child.kill('SIGKILL');
  throw new Error(`dockerd did not listen within a minute:\n${said()}`);
}
