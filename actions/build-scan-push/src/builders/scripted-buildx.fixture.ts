// SPDX-License-Identifier: Apache-2.0
// docker buildx as a script: it writes the layouts that BuildKit writes, and those that it writes when something is amiss.
import type { Command, CommandResult, Context, Exec } from '@pratique/core';
import { buildManifest, createLayout, emptyBlob, mediaTypes, type Descriptor, type Layout } from '@pratique/oci';
import { writeSampleImage } from '../../../../test/fixtures/debian-image.ts';

/** What may be amiss with the layout of a build that ends well. */
export type LayoutFault = 'dangling' | 'two-images' | 'other-metadata' | 'no-metadata' | 'corrupt-layer' | 'one-missing' | 'attested';

export interface BuildxScript {
  /** Output of `docker buildx inspect`; default: a remote builder. `false`: there is no plugin. */
  readonly inspect?: Partial<CommandResult> | false;
  readonly fault?: LayoutFault;
  /** How the test stage ends. */
  readonly test?: Partial<CommandResult>;
  /** How the build of the image ends. */
  readonly image?: Partial<CommandResult>;
}

/** Scripts `docker` over the exec of `ctx`; `commands` keeps what it was asked. */
export function scriptBuildx(ctx: Pick<Context, 'exec' | 'files'>, script: BuildxScript = {}): { exec: Exec; commands: Command[] } {
  const commands: Command[] = [];
  const answer = async (command: Command): Promise<Partial<CommandResult>> => {
    const [, word] = command.args;
    if (word === 'version') return script.inspect === false ? { exitCode: 1, stderr: 'docker: \'buildx\' is not a docker command.' } : { stdout: 'github.com/docker/buildx 0.29.1 x\n' };
    if (word === 'inspect') return { stdout: 'Name:   bk\nDriver: remote\n\nNodes:\nStatus: running\nBuildKit version: v0.33.0\n', ...script.inspect };
    if (!command.args.includes('--metadata-file')) return script.test ?? {};
    if ((script.image?.exitCode ?? 0) === 0) await writeOutput(ctx, command, script.fault);
    return { stderr: `#5 [final 1/2] FROM r.io/base:12@sha256:${'b'.repeat(64)}\n`, ...script.image };
  };
  const run = async (command: Command): Promise<CommandResult> => {
    if (command.file !== '/scripted/docker') return ctx.exec.run(command);
    commands.push(command);
    const result = { exitCode: 0, stdout: '', stderr: '', ...(await answer(command)) };
    for (const line of result.stderr.split('\n')) command.onLine?.(line);
    return result;
  };
  return { exec: { run }, commands };
}

const valueOf = (args: readonly string[], flag: string): string => args[args.indexOf(flag) + 1] ?? '';

async function writeOutput(ctx: Pick<Context, 'files'>, { args }: Command, fault: LayoutFault | undefined): Promise<void> {
  const folder = /dest=([^,]*)/.exec(valueOf(args, '--output'))?.[1] ?? '';
  const names = valueOf(args, '--platform').split(',');
  const layout = await createLayout(ctx.files, folder);
  const image = await writeSampleImage(layout, (fault === 'one-missing' ? names.slice(1) : names).map((platform) => ({ platform })));
  const [only] = image.platforms;
  // BuildKit: the manifest itself for one platform, a nested index for several.
  const written = fault === 'attested' ? await attest(layout, image.platforms.map(({ manifest, platform }) => ({ ...manifest, platform: { os: 'linux', architecture: platform.split('/')[1] ?? '' } }))) : names.length === 1 && only ? only.manifest : image.index;
  const root: Descriptor = fault === 'dangling' ? { ...written, digest: `sha256:${'0'.repeat(64)}` } : written;
  await layout.writeIndex(fault === 'two-images' ? [root, ...image.platforms.map(({ manifest }) => manifest)] : [root]);
  if (fault === 'corrupt-layer' && only) await ctx.files.write(`${folder}/blobs/${only.layer.digest.replace(':', '/')}`, new Uint8Array(only.layer.size));
  const said = fault === 'other-metadata' ? image.platforms.at(-1)?.manifest.digest : root.digest;
  if (fault !== 'no-metadata') await ctx.files.write(valueOf(args, '--metadata-file'), JSON.stringify({ 'containerimage.digest': said }));
}

/** An index with an attestation beside its platforms, as BuildKit adds one by default. */
async function attest(layout: Layout, platforms: readonly Descriptor[]): Promise<Descriptor> {
  const attestation = await layout.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: 'application/vnd.docker.attestation.manifest.v1+json', config: emptyBlob.descriptor, layers: [] }));
  return layout.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...platforms, { ...attestation, platform: { os: 'unknown', architecture: 'unknown' } }] }));
}
