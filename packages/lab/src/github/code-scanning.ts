// SPDX-License-Identifier: Apache-2.0
// Code scanning of the lab's GitHub: takes SARIF within GitHub's limits and lists alerts
// (https://docs.github.com/rest/code-scanning/code-scanning, https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning).
import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { isJsonObject, type JsonObject } from '@pratique/core';

/** One result of the newest analysis of a category, as the list of alerts shows it. */
export interface CodeScanningAlert {
  readonly number: number;
  readonly state: 'open' | 'fixed';
  readonly rule: { readonly id: string; readonly description: string; readonly security_severity_level: string };
  readonly tool: { readonly name: string };
  readonly most_recent_instance: { readonly ref: string; readonly category: string; readonly commit_sha: string; readonly message: { readonly text: string }; readonly location: { readonly path: string; readonly start_line: number } };
}

/** What became of an upload. */
export interface SarifProcessing {
  readonly processing_status: 'complete' | 'failed';
  readonly errors: readonly string[] | null;
}

/** Analyses live as long as the lab. */
export interface CodeScanning {
  /** Status and body of POST /repos/{owner}/{repo}/code-scanning/sarifs. */
  upload(repository: string, body: unknown): { readonly status: number; readonly body: JsonObject };
  processing(repository: string, id: string): SarifProcessing | undefined;
  alerts(repository: string, ref: string | null): readonly CodeScanningAlert[];
}

const limits = { bytes: 10 * 1024 * 1024, runs: 20, results: 25_000, rules: 25_000, shown: 5000 };

type Alert = { -readonly [K in keyof CodeScanningAlert]: CodeScanningAlert[K] } & { readonly key: string };

/** Begins without any analysis. */
export function createCodeScanning(): CodeScanning {
  const uploads = new Map<string, SarifProcessing>();
  const tables = new Map<string, Alert[]>();
  return {
    upload(repository, body) {
      const read = readUpload(body);
      if ('status' in read) return { status: read.status, body: { message: read.message, documentation_url: 'https://docs.github.com/rest/code-scanning/code-scanning#upload-an-analysis-as-sarif-data' } };
      const id = randomUUID();
      const errors = problemsOf(read.log);
      if (errors.length === 0) for (const run of runsOf(read.log)) analyse(tableOf(tables, repository), run, read);
      uploads.set(`${repository} ${id}`, errors.length === 0 ? { processing_status: 'complete', errors: null } : { processing_status: 'failed', errors });
      return { status: 202, body: { id, url: `/repos/${repository}/code-scanning/sarifs/${id}` } };
    },
    processing: (repository, id) => uploads.get(`${repository} ${id}`),
    alerts: (repository, ref) => (tables.get(repository) ?? []).filter((alert) => ref === null || alert.most_recent_instance.ref === ref).map(({ key: _, ...alert }) => alert),
  };
}

function tableOf(tables: Map<string, Alert[]>, repository: string): Alert[] {
  const table = tables.get(repository) ?? [];
  tables.set(repository, table);
  return table;
}

interface Upload {
  readonly log: unknown;
  readonly ref: string;
  readonly commit: string;
}

function readUpload(body: unknown): Upload | { readonly status: number; readonly message: string } {
  const { commit_sha: commit, ref, sarif } = isJsonObject(body) ? body : {};
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) return { status: 422, message: 'commit_sha is not 40 hex digits' };
  if (typeof ref !== 'string' || !/^refs\/(?:heads\/.+|tags\/.+|pull\/\d+\/(?:merge|head))$/.test(ref)) return { status: 422, message: 'ref is not a full ref' };
  if (typeof sarif !== 'string' || sarif === '') return { status: 422, message: 'sarif is missing' };
  const packed = Buffer.from(sarif, 'base64');
  if (packed.byteLength > limits.bytes) return { status: 413, message: `the SARIF file has ${packed.byteLength} bytes after gzip; at most ${limits.bytes} are taken` };
  try {
    return { log: JSON.parse(gunzipSync(packed, { maxOutputLength: 1 << 30 }).toString()), ref, commit };
  } catch (thrown) {
    return { status: 400, message: `sarif is not a SARIF file, gzipped and in base64: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  }
}

const runsOf = (log: unknown): readonly JsonObject[] => (isJsonObject(log) && Array.isArray(log['runs']) ? log['runs'].filter(isJsonObject) : []);
const objectAt = (value: unknown, ...path: readonly string[]): JsonObject => path.reduce<JsonObject>((at, name) => (isJsonObject(at[name]) ? at[name] : {}), isJsonObject(value) ? value : {});
const listAt = (value: JsonObject, name: string): readonly JsonObject[] => (Array.isArray(value[name]) ? value[name].filter(isJsonObject) : []);
const rulesOf = (run: JsonObject): readonly JsonObject[] => listAt(objectAt(run, 'tool', 'driver'), 'rules');
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const categoryOf = (run: JsonObject): string => textOf(objectAt(run, 'automationDetails')['id']).replace(/\/[^/]*$/, '');

function problemsOf(log: unknown): string[] {
  const runs = runsOf(log);
  const categories = runs.map((run) => `${textOf(objectAt(run, 'tool', 'driver')['name'])} ${categoryOf(run)}`);
  return [
    ...(isJsonObject(log) && log['version'] === '2.1.0' && runs.length > 0 ? [] : ['it is no SARIF 2.1.0 with runs']),
    ...(runs.length > limits.runs ? [`${runs.length} runs; at most ${limits.runs} are taken`] : []),
    // Since July 2025 runs of one tool and category are not merged any more.
    ...(new Set(categories).size < categories.length ? ['several runs have one category'] : []),
    ...runs.flatMap((run, index) => problemsOfRun(run).map((problem) => `runs[${index}]: ${problem}`)),
  ];
}

function problemsOfRun(run: JsonObject): string[] {
  const [rules, results] = [rulesOf(run), listAt(run, 'results')];
  const known = new Set(rules.map((rule) => rule['id']));
  const badRule = rules.find((rule) => [textOf(rule['id']), ...['shortDescription', 'fullDescription', 'help'].map((name) => textOf(objectAt(rule, name)['text']))].includes('') || !isScore(objectAt(rule, 'properties')['security-severity']));
  const badResult = results.find((result) => textOf(objectAt(result, 'message')['text']) === '' || placeOf(result) === undefined || !known.has(result['ruleId']));
  return [
    ...(textOf(objectAt(run, 'tool', 'driver')['name']) === '' || !Array.isArray(run['results']) ? ['tool.driver.name and results are required'] : []),
    ...(results.length > limits.results ? [`${results.length} results; at most ${limits.results} are taken`] : []),
    ...(rules.length > limits.rules ? [`${rules.length} rules; at most ${limits.rules} are taken`] : []),
    ...(badRule === undefined ? [] : [`the rule ${JSON.stringify(badRule['id'])} lacks a required text, or its security-severity is no score`]),
    ...(badResult === undefined ? [] : [`a result of ${JSON.stringify(badResult['ruleId'])} lacks its rule, its message, or a place in the repository`]),
  ];
}

const isScore = (value: unknown): boolean => value === undefined || (typeof value === 'string' && /^(?:\d|10)(?:\.\d+)?$/.test(value));

/** A relative URI and a line; anything else cannot be shown. */
function placeOf(result: JsonObject): { readonly path: string; readonly start_line: number } | undefined {
  const physical = objectAt(listAt(result, 'locations')[0], 'physicalLocation');
  const [uri, line] = [textOf(objectAt(physical, 'artifactLocation')['uri']), objectAt(physical, 'region')['startLine']];
  return uri === '' || /^(?:\/|\.\.|[a-z]+:)/i.test(uri) || !Number.isSafeInteger(line) ? undefined : { path: decodeURIComponent(uri), start_line: line as number };
}

/** A newer analysis of a category on a ref: what it lacks is fixed, what it has again is open. */
function analyse(table: Alert[], run: JsonObject, { ref, commit }: Upload): void {
  const [tool, category] = [textOf(objectAt(run, 'tool', 'driver')['name']), categoryOf(run)];
  for (const alert of table) if (alert.tool.name === tool && alert.most_recent_instance.category === category && alert.most_recent_instance.ref === ref) alert.state = 'fixed';
  const rules = new Map(rulesOf(run).map((rule) => [textOf(rule['id']), rule]));
  for (const result of listAt(run, 'results').slice(0, limits.shown)) {
    const id = textOf(result['ruleId']);
    const key = JSON.stringify([tool, category, ref, id, objectAt(result, 'partialFingerprints')]);
    const known = table.find((alert) => alert.key === key);
    if (known !== undefined) known.state = 'open';
    else table.push({ key, number: table.length + 1, state: 'open', rule: shownRule(id, rules.get(id) ?? {}), tool: { name: tool }, most_recent_instance: { ref, category, commit_sha: commit, message: { text: textOf(objectAt(result, 'message')['text']) }, location: placeOf(result) ?? { path: '', start_line: 0 } } });
  }
}

function shownRule(id: string, rule: JsonObject): CodeScanningAlert['rule'] {
  const score = Number(objectAt(rule, 'properties')['security-severity'] ?? 0);
  const level = score >= 9 ? 'critical' : score >= 7 ? 'high' : score >= 4 ? 'medium' : 'low';
  return { id, description: textOf(objectAt(rule, 'shortDescription')['text']), security_severity_level: level };
}
