// SPDX-License-Identifier: Apache-2.0
// One run of ncc in a process of its own: bundles argv[2], writes { code, assets } as JSON to argv[3].
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const [entry, output, license] = process.argv.slice(2);
const ncc = createRequire(import.meta.url)('@vercel/ncc');
const { code, assets } = await ncc(entry, { cache: false, quiet: true, esm: true, minify: false, sourceMap: false, license });
const texts = Object.entries(assets).map(([name, asset]) => [name, asset.source.toString()]);
await writeFile(output ?? '', JSON.stringify({ code, assets: Object.fromEntries(texts) }));
