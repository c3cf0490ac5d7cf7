// SPDX-License-Identifier: Apache-2.0
// A scanner that is missing, dies or lies: a script named trivy stands on PATH in place of the real one. Each ends in its code, and a re-run heals.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildScanPush } from '@pratique/build-scan-push';
import { Failure, type FailureCode } from '@pratique/core';
import { endingOfFailure } from '@pratique/host';
import { createRegistry, openLayout, readImage, staticCredentials } from '@pratique/oci';
import { parseInputs, type StepResult } from '@pratique/step';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordedReport } from '../fixtures/gate-image.ts';
import { openGateWorld, type GateWorld } from '../fixtures/gate-world.ts';
import { publishVulnerabilityDatabase } from '../fixtures/vulnerability-db/publish.ts';

let world: GateWorld;
let folder: string;
let report: string;
let database: string;
beforeAll(async () => {
  world = await openGateWorld();
  folder = await mkdtemp(join(tmpdir(), 'scanner-'));
  const { loginServer, login } = world.lab.addresses.mirror;
  const mirror = createRegistry({ registry: loginServer, fetch: world.lab.fetch, clock: { now: world.now, sleep: () => Promise.resolve() }, signal: new AbortController().signal, authenticator: staticCredentials(login.username, login.password) });
  await publishVulnerabilityDatabase(mirror.repository('trivy-db'));
  database = `${loginServer}/trivy-db:2`;
  const { digest } = (await world.layOut({ name: 'image-layout' })).root;
  const { platforms: [platform] } = await readImage(await openLayout((await world.ctxFor('builder')).files, 'image-layout'), digest);
  report = JSON.stringify(recordedReport({ config: platform?.configDigest ?? '', diffId: platform?.diffIds[0] ?? '', findings: ['CVE-2021-23337'] }));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await world[Symbol.asyncDispose]();
});

/** What the script does otherwise than well: lines of sh for one of its commands. */
interface Script {
  readonly scan?: string;
  readonly download?: string;
  readonly convert?: string;
  readonly databaseHours?: number;
}

/** Puts the script on PATH; gives the folder that holds it. */
async function install({ scan = 'cat "$here/report.json" > "$out"', download = 'true', convert = 'echo "{}" > "$out"', databaseHours = 1 }: Script): Promise<string> {
  const updated = new Date(world.now().getTime() - databaseHours * 3_600_000).toISOString();
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'report.json'), report);
  await writeFile(join(bin, 'empty.json'), JSON.stringify({ ...JSON.parse(report) as object, Results: [] }));
  await writeFile(join(bin, 'trivy'), `#!/bin/sh
here='${bin}'
first=$1
all="$*"
out=
while [ $# -gt 0 ]; do [ "$1" = --output ] && out=$2; shift; done
case "$first $all" in
  --version*) echo 'Version: 0.72.0';;
  version*) echo '{"Version":"0.72.0","VulnerabilityDB":{"Version":2,"UpdatedAt":"${updated}"}}';;
  image*--download-db-only*) ${download};;
  image*) ${scan};;
  convert*) ${convert};;
esac
`);
  await chmod(join(bin, 'trivy'), 0o755);
  return bin;
}

async function scan(bin: string | undefined, given: Readonly<Record<string, string>> = {}): Promise<StepResult<typeof buildScanPush.outputs>> {
  const path = [...(bin === undefined ? [] : [bin]), '/usr/bin', '/bin'].join(':');
  const ctx = await world.ctxFor('builder', {}, { PATH: path, HOME: folder, PRATIQUE_TOOLS: join(folder, 'none') });
  const fetchLabOnly: typeof fetch = (input, init) => (String(input instanceof Request ? input.url : input).includes('127.0.0.1') ? world.lab.fetch(input, init) : Promise.reject(new TypeError('fetch failed')));
  return buildScanPush.run(parseInputs(buildScanPush.inputs, { phases: 'scan', layout: 'image-layout', 'scanner-database': database, ...given }), { ...ctx, fetch: fetchLabOnly });
}

async function endOf(work: Promise<unknown>): Promise<ReturnType<typeof endingOfFailure>> {
  const thrown = await work.then(() => undefined, (reason: unknown) => reason);
  if (thrown instanceof Failure) return endingOfFailure(thrown);
  throw new Error('no Failure', { cause: thrown });
}

test('the script does what the step expects of a scanner', async () => {
  const { outputs } = await scan(await install({}));
  expect(JSON.parse(outputs.findings ?? '')).toMatchObject({ high: 1, critical: 0 });
});

describe('a scanner that', () => {
  const cases: readonly (readonly [string, Script, FailureCode, RegExp])[] = [
    ['ends with an error', { scan: 'echo "2026-11-21T10:00:00Z FATAL Fatal error image scan error: out of memory" >&2; exit 1' }, 'SCAN_FAILED', /image scan error: out of memory/],
    ['is killed', { scan: 'kill -9 $$' }, 'SCAN_FAILED', /ended with 137/],
    ['writes half a report and says that all is well', { scan: 'head -c 700 "$here/report.json" > "$out"' }, 'SCAN_REPORT_INVALID', /report/],
    ['writes half a report and dies', { scan: 'head -c 700 "$here/report.json" > "$out"; exit 2' }, 'SCAN_FAILED', /ended with 2/],
    ['writes nothing', { scan: 'true' }, 'SCAN_REPORT_INVALID', /wrote no/],
    ['writes an empty report', { scan: ': > "$out"' }, 'SCAN_REPORT_INVALID', /report/],
    ['reports on another image', { scan: 'sed "s/sha256:[0-9a-f]\\{8\\}/sha256:00000000/g" "$here/report.json" > "$out"' }, 'SCAN_NOT_BOUND', /another|not sha256|image config/],
    ['finds no package', { scan: 'cat "$here/empty.json" > "$out"' }, 'SCAN_NO_PACKAGES', /package/],
    ['cannot fetch its database', { download: 'echo "FATAL Fatal error init error: DB error: 403 Forbidden" >&2; exit 1' }, 'SCAN_DATABASE_UNAVAILABLE', /database/],
    ['has an old database', { databaseHours: 49 }, 'SCAN_DATABASE_STALE', /49 hours old/],
    ['has a database of the future', { databaseHours: -48 }, 'SCAN_DATABASE_STALE', /still to come/],
    ['makes no SBOM', { convert: 'echo "FATAL convert" >&2; exit 1' }, 'SCAN_FAILED', /SBOM/],
    ['makes half an SBOM', { convert: 'printf "{\\"bomFormat\\":" > "$out"' }, 'SCAN_REPORT_INVALID', /./],
  ];
  test.each(cases)('%s', async (_, script, code, message) => {
    const end = await endOf(scan(await install(script)));
    expect(end.code).toBe(code);
    expect(end.message).toMatch(message);
    expect(end.hint).toBeTruthy();
    const { outputs } = await scan(await install({}));
    expect(JSON.parse(outputs.findings ?? '')).toMatchObject({ high: 1 });
  });

  test('is not there', async () => {
    const end = await endOf(scan(undefined));
    expect(end).toMatchObject({ code: 'TOOL_MISSING', exitStatus: 4 });
    expect(end.hint).toMatch(/[Ii]nstall/);
    expect(JSON.parse((await scan(await install({}))).outputs.findings ?? '')).toMatchObject({ high: 1 });
  });

  test('is too old is not taken', async () => {
    const bin = await install({});
    await writeFile(join(bin, 'trivy'), '#!/bin/sh\necho "Version: 0.69.4"\n');
    expect((await endOf(scan(bin))).code).toBe('TOOL_MISSING');
  });
});

test('what a scanner prints cannot command the runner', async () => {
  const before = world.lines.length;
  await scan(await install({ scan: 'echo "::add-mask::x"; echo "::set-output name=image::evil" >&2; printf "\\033[31mred\\r::error::boo\\n"; cat "$here/report.json" > "$out"' }));
  const printed = world.lines.slice(before);
  expect(printed.join('\n')).toContain('boo');
  expect(printed.flatMap((line) => line.split(/[\r\n]/)).filter((line) => /^\s*(?:::|##vso)/.test(line))).toEqual([]);
  expect(printed.join('')).not.toContain('\u001b');
});
