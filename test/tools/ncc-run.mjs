// SPDX-License-Identifier: Apache-2.0
// One run of ncc in a process of its own: bundles argv[2], writes { code, assets } as JSON to argv[3].
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const [entry, output, license] = process.argv.slice(2);
// Its front door reads compiled code from a file beside it and writes that file anew at each end. pnpm links one file into every checkout of a machine, so that
// two bundlings at once read what is half written; V8 takes it, and webpack fails in odd ways. This is the same code without that.
const ncc = createRequire(import.meta.url)('@vercel/ncc/dist/ncc/index.js.cache.js');
const { code, assets } = await ncc(entry, { cache: false, quiet: true, esm: true, minify: false, sourceMap: false, license });
const texts = Object.entries(assets).map(([name, asset]) => [name, asset.source.toString()]);
await writeFile(output ?? '', JSON.stringify({ code, assets: Object.fromEntries(texts) }));
