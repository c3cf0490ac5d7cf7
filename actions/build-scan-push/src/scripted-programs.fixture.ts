// SPDX-License-Identifier: Apache-2.0
// buildah and trivy as a script for the step test: they write what the real ones write, of images written by hand; all other programs are real.
import { join } from 'node:path';
import { parseJsonObject, type Command, type CommandResult, type Context, type Exec } from '@pratique/core';
import { createLayout, openLayout, type ManifestContent } from '@pratique/oci';
import { writeSampleImage } from '../../../test/fixtures/debian-image.ts';

/** What the script does otherwise than well. */
export interface Script {
  /** Ends of builds by stage (`final` without one). */
  readonly ends?: Readonly<Record<string, Partial<CommandResult>>>;
  /** npm packages of the image. */
  readonly npm?: Readonly<Record<string, string>>;
}

/** The exec of a context with the two programs scripted; `commands` keeps what they were asked. */
export interface ScriptedPrograms {
  readonly exec: Exec;
  readonly commands: Command[];
}

/** Scripts the programs over the real exec of `ctx`. */
export function scriptPrograms(ctx: Pick<Context, 'exec' | 'files'>, script: Script): ScriptedPrograms {
  const commands: Command[] = [];
  let platform = '';
  const buildah = async (command: Command): Promise<CommandResult> => {
    const { args } = command;
    if (args.includes('bud')) {
      platform = valueOf(args, '--platform') ?? 'linux/amd64';
      const end = { exitCode: 0, stdout: 'STEP 1/1: FROM base\n', stderr: '', ...script.ends?.[valueOf(args, '--target') ?? 'final'] };
      for (const line of `${end.stdout}${end.stderr}`.split('\n')) command.onLine?.(line);
      return end;
    }
    if (args.includes('push')) await writeBuilt(ctx, { folder: (args.at(-1) ?? '').replace(/^oci:|:image$/g, ''), platform, npm: script.npm ?? {} });
    return { exitCode: 0, stdout: '', stderr: '' };
  };
  const trivy = async ({ args, cwd = '' }: Command): Promise<CommandResult> => {
    const output = valueOf(args, '--output');
    if (args[0] === 'version') return { exitCode: 0, stdout: JSON.stringify({ Version: '0.72.0', VulnerabilityDB: { Version: 2, UpdatedAt: new Date().toISOString() } }), stderr: '' };
    if (output !== undefined) await ctx.files.write(join(cwd, output), args[0] === 'convert' ? '{"components":[]}' : await reportOn(ctx, join(cwd, valueOf(args, '--input') ?? ''), script));
    return { exitCode: 0, stdout: '', stderr: '' };
  };
  const run = (command: Command): Promise<CommandResult> => {
    if (!command.file.startsWith('/scripted/')) return ctx.exec.run(command);
    commands.push(command);
    return command.file === '/scripted/buildah' ? buildah(command) : trivy(command);
  };
  return { exec: { run }, commands };
}

const valueOf = (args: readonly string[], flag: string): string | undefined => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);

async function writeBuilt(ctx: Pick<Context, 'files'>, built: { folder: string; platform: string; npm: Readonly<Record<string, string>> }): Promise<void> {
  const layout = await createLayout(ctx.files, built.folder);
  const { platforms } = await writeSampleImage(layout, [built]);
  await layout.writeIndex(platforms.map(({ manifest }) => ({ ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'image' } })));
}

/** A trivy report (schema 2) on the one image of a layout: everything in it named lodash has one high finding. */
async function reportOn(ctx: Pick<Context, 'files'>, folder: string, { npm = {} }: Script): Promise<string> {
  const layout = await openLayout(ctx.files, folder);
  const [entry] = (await layout.readIndex()).manifests ?? [];
  const { content }: { content: ManifestContent } = await layout.readManifest(entry?.digest ?? '');
  const { config } = content;
  const rootfs = config && parseJsonObject(await layout.readSmallBlob(config), 'config', 'LAYOUT_INVALID')['rootfs'];
  const packages = Object.entries(npm).map(([Name, Version]) => ({ ID: `${Name}@${Version}`, Name, Version, Identifier: { PURL: `pkg:npm/${Name}@${Version}` } }));
  return JSON.stringify({
    SchemaVersion: 2, Trivy: { Version: '0.72.0' }, CreatedAt: new Date().toISOString(), ArtifactName: 'x', ArtifactType: 'container_image',
    Metadata: { OS: { Family: 'debian', Name: '12.12' }, ImageID: config?.digest, DiffIDs: (rootfs as { diff_ids?: unknown } | undefined)?.diff_ids },
    Results: [
      { Target: 'debian', Class: 'os-pkgs', Type: 'debian', Packages: [{ ID: 'busybox-static@1', Name: 'busybox-static', Version: '1' }] },
      {
        Target: 'Node.js', Class: 'lang-pkgs', Type: 'node-pkg', Packages: packages,
        Vulnerabilities: packages.filter(({ Name }) => Name === 'lodash').map(({ ID, Name, Version, Identifier }) => ({
          VulnerabilityID: 'CVE-2021-23337', PkgID: ID, PkgName: Name, PkgIdentifier: Identifier, InstalledVersion: Version, FixedVersion: '4.17.21', Severity: 'HIGH', Status: 'fixed', Title: '<b>|injection',
        })),
      },
    ],
  });
}
