// SPDX-License-Identifier: Apache-2.0
// OCI layouts of random bytes, which no client can compress and no server has.
import { createHash, randomFillSync } from 'node:crypto';
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const mebibyte = 2 ** 20;

interface Part {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Writes a layout of one image, tagged `v1`, with `count` layers of `mebibytes` each. */
export async function writeRandomLayout(folder: string, { count, mebibytes }: { readonly count: number; readonly mebibytes: number }): Promise<void> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  const layers: Part[] = [];
  for (let index = 0; index < count; index += 1) layers.push(await writeRandomBlob(folder, mebibytes));
  const config = await writeJson(folder, 'application/vnd.oci.image.config.v1+json', { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await writeJson(folder, mediaType, { schemaVersion: 2, mediaType, config, layers });
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'v1' } }] }));
}

async function writeRandomBlob(folder: string, mebibytes: number): Promise<Part> {
  const draft = join(folder, 'draft');
  const file = await open(draft, 'w');
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(mebibyte);
  for (let written = 0; written < mebibytes; written += 1) {
    randomFillSync(chunk);
    hash.update(chunk);
    await file.write(chunk);
  }
  await file.close();
  const hex = hash.digest('hex');
  await rename(draft, join(folder, 'blobs/sha256', hex));
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${hex}`, size: mebibytes * mebibyte };
}

async function writeJson(folder: string, mediaType: string, content: object): Promise<Part> {
  const bytes = Buffer.from(JSON.stringify(content));
  const hex = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(folder, 'blobs/sha256', hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}
