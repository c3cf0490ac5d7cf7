// SPDX-License-Identifier: Apache-2.0
// A layout with one entry that shares the blobs of another: trivy reads only the first manifest of a layout and ignores --platform there.
import { Failure, formatPlatform, type Context, type ImagePlatform } from '@pratique/core';
import { mediaTypes, type Layout } from '@pratique/oci';

/** `linux/arm/v7` as a folder's name. */
export function platformSlug(platform: ImagePlatform): string {
  return formatPlatform(platform.platform).replaceAll(/[^A-Za-z0-9.]+/g, '-');
}

/** Writes the layout of `platform` to `folder`; its blobs are a link to those of `layout`. Fails with `SCAN_FAILED`. */
export async function writePlatformLayout(ctx: Context, layout: Layout, options: { readonly platform: ImagePlatform; readonly folder: string }): Promise<void> {
  const { platform, folder } = options;
  const { descriptor } = await layout.readManifest(platform.digest);
  const entry = { mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size, platform: platform.platform };
  await ctx.files.write(`${folder}/oci-layout`, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await ctx.files.write(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [entry] }));
  // The layout's folder may be relative to the workspace, which only a child of the host knows.
  const blobs = (await succeed(ctx, 'realpath', [`${layout.folder}/blobs`])).trimEnd();
  await succeed(ctx, 'ln', ['-s', blobs, `${folder}/blobs`]);
}

async function succeed(ctx: Context, file: string, args: readonly string[]): Promise<string> {
  const result = await ctx.exec.run({ file, args, timeoutSeconds: 30 });
  if (result.exitCode === 0) return result.stdout;
  throw new Failure({ code: 'SCAN_FAILED', message: `${file} ${args.join(' ')} ended with ${result.exitCode}: ${result.stderr.trim()}` });
}
