// SPDX-License-Identifier: Apache-2.0
// Obtains the programs named on the command line and says where each stands.
import { obtain } from './obtain.ts';

const start = Date.now();
const tools = await obtain(process.argv.slice(2)).catch((thrown: unknown) => {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exit(1);
});
process.stderr.write(`${tools.map((tool) => `${tool.name} ${tool.version} (${tool.origin})`).join(', ')}: ready after ${((Date.now() - start) / 1000).toFixed(1)} s\n`);
