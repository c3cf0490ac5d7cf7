// SPDX-License-Identifier: Apache-2.0
// `npm run bench [-- --quick] [--only NAME]`: how fast we are beside the programs that people know, as ratios from one run. It judges nothing: read the table. `--only deploy`: canaries on a cluster, beside Flagger.
import { parseArgs } from 'node:util';
import { benchColdStart } from './cold-start.ts';
import { benchDeploy } from './deploy.ts';
import { benchEmulator } from './emulator.ts';
import type { Row } from './measure.ts';
import { benchPromotion } from './promotion.ts';
import { benchPush } from './push.ts';
import { benchSigning } from './signing.ts';
import { formatRows, machineLine } from './table.ts';
import { openWorld, type World } from './world.ts';

const benches: Readonly<Record<string, (world: World) => Promise<Row[]>>> = { start: benchColdStart, push: benchPush, promotion: benchPromotion, sign: benchSigning, emulator: benchEmulator, deploy: benchDeploy };
/** It needs a cluster, and minutes. */
const onlyWhenNamed = 'deploy';

const { values: { only, quick } } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } } });
const unknown = only?.filter((name) => !Object.hasOwn(benches, name)) ?? [];
if (unknown.length > 0) throw new Error(`there is no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);

const world = await openWorld({ quick });
try {
  process.stdout.write(`${machineLine()}\n`);
  const rows: Row[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (only === undefined ? name === onlyWhenNamed : !only.includes(name)) continue;
    process.stderr.write(`${name} …\n`);
    rows.push(...await bench(world));
  }
  process.stdout.write(`\n${formatRows(rows)}\n\n${machineLine()}\n`);
} finally {
  await world.close();
}
