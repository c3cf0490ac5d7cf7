// SPDX-License-Identifier: Apache-2.0
// Writes the generated files; `npm run check` compares them.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generateFiles } from './generated-files.ts';
import { checkout } from './runtime.mjs';

for (const [path, content] of await generateFiles()) {
  await mkdir(dirname(join(checkout, path)), { recursive: true });
  await writeFile(join(checkout, path), content);
  process.stdout.write(`${path}\n`);
}
