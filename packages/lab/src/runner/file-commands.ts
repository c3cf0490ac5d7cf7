// SPDX-License-Identifier: Apache-2.0
// The runner's file commands (GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH, GITHUB_STEP_SUMMARY) and line commands (::add-mask::, ::error::).
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const fileNames = { GITHUB_OUTPUT: 'output', GITHUB_ENV: 'env', GITHUB_PATH: 'path', GITHUB_STEP_SUMMARY: 'summary', GITHUB_STATE: 'state' } as const;

/** Makes the empty files of one step; gives the variables that name them. */
export async function createCommandFiles(folder: string): Promise<Record<keyof typeof fileNames, string>> {
  await mkdir(folder, { recursive: true });
  const paths = Object.fromEntries(Object.entries(fileNames).map(([variable, name]) => [variable, join(folder, name)])) as Record<keyof typeof fileNames, string>;
  await Promise.all(Object.values(paths).map((path) => writeFile(path, '')));
  return paths;
}

/** What a step wrote. */
export interface CommandFileContent {
  readonly outputs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly path: readonly string[];
  readonly summary: string;
}

export async function readCommandFiles(paths: Readonly<Record<string, string>>): Promise<CommandFileContent> {
  const text = async (variable: string): Promise<string> => readFile(paths[variable] ?? '', 'utf8');
  const [outputs, env, path, summary] = [await text('GITHUB_OUTPUT'), await text('GITHUB_ENV'), await text('GITHUB_PATH'), await text('GITHUB_STEP_SUMMARY')];
  return { outputs: parsePairs(outputs), env: parsePairs(env), path: path.split(/\r?\n/).filter(Boolean), summary };
}

/** `name=value` lines and `name<<DELIMITER` blocks. */
export function parsePairs(text: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  const rows = text.split(/\r?\n/);
  for (let row = rows.shift(); row !== undefined; row = rows.shift()) {
    const block = /^([^=<]+)<<(.+)$/.exec(row);
    if (block) {
      const end = rows.indexOf(block[2] ?? '');
      if (end < 0) throw new Error(`the delimiter of ${block[1]} does not come again`);
      pairs[block[1] ?? ''] = rows.splice(0, end + 1).slice(0, -1).join('\n');
    } else if (row.includes('=')) pairs[row.slice(0, row.indexOf('='))] = row.slice(row.indexOf('=') + 1);
  }
  return pairs;
}

/** An annotation of a step. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

/** Takes the line commands out of a step's output; what is left is what people see, masked. */
export class LineCommands {
  readonly annotations: Annotation[] = [];
  readonly #masks: Set<string>;
  #stopped: string | undefined;

  constructor(masks: Set<string>) {
    this.#masks = masks;
  }

  /** The line to show, or `undefined` when it was a command without text. */
  read(line: string): string | undefined {
    if (this.#stopped !== undefined) {
      if (line === `::${this.#stopped}::`) this.#stopped = undefined;
      return this.mask(line);
    }
    const command = /^::([a-z-]+)( [^:]*)?::(.*)$/s.exec(line);
    return command ? this.#run(command[1] ?? '', command[2] ?? '', unescape(command[3] ?? '')) : this.mask(line);
  }

  mask(text: string): string {
    let clean = text;
    for (const secret of this.#masks) clean = clean.replaceAll(secret, '***');
    return clean;
  }

  #run(name: string, properties: string, message: string): string | undefined {
    if (name === 'add-mask') {
      if (message.trim() !== '') this.#masks.add(message);
      return undefined;
    }
    if (name === 'stop-commands') this.#stopped = message;
    if (name === 'error' || name === 'warning' || name === 'notice') {
      const title = /(?:^| |,)title=([^,]*)/.exec(properties)?.[1] ?? '';
      this.annotations.push({ level: name, title: unescape(title), message: this.mask(message) });
      return this.mask(`${name}: ${title ? `${unescape(title)}: ` : ''}${message}`);
    }
    return name === 'group' ? this.mask(`> ${message}`) : undefined;
  }
}

function unescape(text: string): string {
  return text.replace(/%(0A|0D|25|3A|2C)/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
