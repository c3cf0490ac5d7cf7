// SPDX-License-Identifier: Apache-2.0
// `pratique tools`: each program, wanted, found, where from.
import process from 'node:process';
import { createNodeContext, listTools } from '@pratique/host';
import { requireKnown, type Arguments } from './arguments.ts';

/** Lists the programs; exit status 0 also when some are missing, because a step brings what it needs. */
export async function toolsCommand({ flags }: Arguments): Promise<number> {
  requireKnown(flags, ['json', 'help']);
  await using ctx = await createNodeContext();
  const tools = await listTools({ env: process.env, exec: ctx.exec });
  if (flags['json']) {
    process.stdout.write(`${JSON.stringify(tools, undefined, 2)}\n`);
    return 0;
  }
  const rows = tools.map((tool) => [tool.name, tool.usable, tool.found?.version ?? 'missing', tool.found?.origin ?? tool.from, tool.found?.path ?? `brought when needed, for ${tool.for}`]);
  const table = [['program', 'wanted', 'found', 'from', 'where'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) process.stdout.write(`${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`);
  return 0;
}
