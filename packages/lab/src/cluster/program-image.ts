// SPDX-License-Identifier: Apache-2.0
// The smallest image: one static program in one layer, pushed into a registry of the lab.
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { Failure } from '@pratique/core';
import { buildManifest, createRegistry, hashBytes, mediaTypes, staticCredentials, streamOf, type Descriptor } from '@pratique/oci';
import type { RegistryLogin } from '../lab-addresses.ts';
import { runProgram } from './program.ts';

/** An image and where it goes. */
export interface ProgramImage {
  /** `HOST:PORT` and who pushes. */
  readonly registry: { readonly loginServer: string; readonly login: RegistryLogin };
  readonly repository: string;
  /** Path on this machine of a statically linked program; in the image it stands in `/` under its name. */
  readonly program: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Numeric. Default: root. */
  readonly user?: string;
}

/** Pushes it by `fetch` (the lab's); returns the reference by digest. The same input gives the same digest. */
export async function pushProgramImage(image: ProgramImage, fetch: typeof globalThis.fetch): Promise<string> {
  const { registry, repository, program, args = [], env = {}, user = '0' } = image;
  const clock = { now: () => new Date(), sleep: () => Promise.resolve() };
  const authenticator = staticCredentials(registry.login.username, registry.login.password);
  const target = createRegistry({ registry: registry.loginServer, fetch, clock, signal: AbortSignal.timeout(60_000), authenticator }).repository(repository);
  const put = async (bytes: Uint8Array, mediaType: string): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: hashBytes(bytes), size: bytes.length };
    await target.writeBlob(descriptor, () => Promise.resolve(streamOf(bytes)));
    return descriptor;
  };
  const layer = await put(await archive(program), 'application/vnd.oci.image.layer.v1.tar');
  const settings = { Entrypoint: [`/${basename(program)}`, ...args], User: user, Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) };
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = await put(Buffer.from(JSON.stringify({ architecture, os: 'linux', config: settings, rootfs: { type: 'layers', diff_ids: [layer.digest] } })), mediaTypes.config);
  const { digest } = await target.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] }));
  return `${registry.loginServer}/${repository}@${digest}`;
}

/** A layer with the program alone. */
async function archive(program: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'pratique-image-'));
  try {
    await copyFile(program, join(folder, basename(program)));
    const made = await runProgram('tar', ['--create', '--file', join(folder, 'layer.tar'), '--directory', folder, '--owner=0', '--group=0', '--mode=755', '--mtime=@0', basename(program)]);
    if (made.exitCode !== 0) throw new Failure({ code: 'LAB_CLUSTER_FAILED', message: `an image of ${program} could not be made: ${made.stderr}` });
    return await readFile(join(folder, 'layer.tar'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
