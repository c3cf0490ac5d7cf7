// SPDX-License-Identifier: Apache-2.0
// What builders make of their output: the test report, and the failure of a broken build.
import { digestOf, Failure, redact, stripControl, type CommandResult, type Context } from '@pratique/core';
import type { TestReport } from '@pratique/scan';

/** Seconds that a build may take. */
export const buildSeconds = 3 * 3600;
const tailLines = 40;

/** Prints each line and keeps it: what a test prints goes into the evidence, without secrets and without what could draw on a terminal. */
export function keepLines(ctx: Pick<Context, 'log'>, lines: string[]): (line: string) => void {
  return (line) => {
    lines.push(redact(stripControl(line)));
    ctx.log.line(line);
  };
}

/** A stage of tests that ran: passed with status 0. */
export async function toTestReport(ctx: Pick<Context, 'clock'>, run: { stage: string; startedAt: string; exitCode: number; lines: readonly string[] }): Promise<TestReport> {
  const output = await digestOf(new TextEncoder().encode(run.lines.join('\n')));
  const tail = run.lines.slice(-tailLines).join('\n').slice(-8000);
  return { result: run.exitCode === 0 ? 'passed' : 'failed', stage: run.stage, startedAt: run.startedAt, finishedAt: ctx.clock.now().toISOString(), output, tail };
}

/** `BUILD_FAILED`, with the builder's own error. */
export function brokenBuild(what: string, ended: CommandResult, error: string): Failure {
  return new Failure({
    code: 'BUILD_FAILED', message: `${what} could not be built: ${stripControl(error).slice(0, 1000)}`,
    hint: hintFor(`${ended.stderr}\n${ended.stdout}`), facts: { exitCode: ended.exitCode, lastLines: lastLines(`${ended.stdout}\n${ended.stderr}`, 20) },
  });
}

function hintFor(output: string): string {
  if (/exec format error/i.test(output)) return 'A RUN instruction ran on a platform that this machine is not. Name the platform of build stages (FROM --platform=linux/amd64), and let the final stage run nothing.';
  if (/unauthorized|authentication required/i.test(output)) return 'The registry of the base image wants credentials: sign in before this step, for example with docker login.';
  return 'Read its last lines above, and repeat it on your machine: docker build .';
}

/** The last lines of `text`, for messages. */
export const lastLines = (text: string, count: number): string => stripControl(text).trimEnd().split('\n').slice(-count).join('\n');
