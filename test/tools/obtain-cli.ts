// SPDX-License-Identifier: Apache-2.0
// Obtains the programs named on the command line and says where each stands; `cluster` names all that the lab's cluster and its tests need.
import { clusterPrograms } from '@pratique/lab';
import { obtain } from './obtain.ts';

const start = Date.now();
const names = process.argv.slice(2).flatMap((name) => (name === 'cluster' ? [...clusterPrograms, 'kubectl', 'helm', 'canary-app'] : [name]));
const tools = await obtain(names).catch((thrown: unknown) => {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exit(1);
});
process.stderr.write(`${tools.map((tool) => `${tool.name} ${tool.version} (${tool.origin})`).join(', ')}: ready after ${((Date.now() - start) / 1000).toFixed(1)} s\n`);
