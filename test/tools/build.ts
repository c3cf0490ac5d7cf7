// SPDX-License-Identifier: Apache-2.0
// Writes the bundles of the actions to actions/dist and actions/NAME/dist.
import { join } from 'node:path';
import { makeBundles, writeBundles } from './bundle.ts';
import { withProgress } from './progress.mjs';
import { checkout } from './runtime.mjs';

const files = await withProgress({ title: 'Bundling the actions', usualSeconds: 20 }, makeBundles);
await writeBundles(files, join(checkout, 'actions'));
const bytes = [...files.values()].reduce((sum, one) => sum + one.length, 0);
process.stdout.write(`${files.size} files, ${(bytes / 2 ** 20).toFixed(2)} MiB\n`);
