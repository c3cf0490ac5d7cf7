// SPDX-License-Identifier: Apache-2.0
// The command line: the same steps as the actions, and what people need beside them.
import process from 'node:process';
import { asFailure, Failure, nearest } from '@pratique/core';
import { endingOfFailure, formatEnding, runInTerminal } from '@pratique/host';
import { deriveHelp, type Step } from '@pratique/step';
import { parseArguments, requireKnown, type Arguments } from './arguments.ts';

/** A command that is no step. Returns the exit status. */
type Command = (args: Arguments) => Promise<number>;

const steps: Readonly<Record<string, () => Promise<Step>>> = {
  'build-scan-push': async () => (await import('@pratique/build-scan-push')).buildScanPush,
  'sign-and-attest': async () => (await import('@pratique/sign-and-attest')).signAndAttest,
  'quarantine-gate': async () => (await import('@pratique/quarantine-gate')).quarantineGate,
  'helm-deploy-canary': async () => (await import('@pratique/helm-deploy-canary')).helmDeployCanary,
  'canary recover': async () => (await import('@pratique/helm-deploy-canary')).canaryRecover,
  verify: async () => (await import('./steps/verify.ts')).verify,
  revoke: async () => (await import('./steps/revoke.ts')).revoke,
  tree: async () => (await import('./steps/tree.ts')).tree,
  report: async () => (await import('./steps/report.ts')).report,
  'policy check': async () => (await import('./steps/policy-check.ts')).policyCheck,
};

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  tools: async () => (await import('./tools-command.ts')).toolsCommand,
  'lab up': async () => (await import('./lab-command.ts')).labUp,
  'lab acr': async () => (await import('./lab-command.ts')).labAcr,
  'lab load': async () => (await import('./load-command.ts')).labLoad,
  'lab sigstore': async () => (await import('./lab-command.ts')).labSigstore,
};

/** Runs `pratique ...argv`; never throws. Exit status: 0; defect 1, usage 2, refused 3, unavailable 4. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(parseArguments(argv));
  } catch (thrown) {
    return printFailure(asFailure(thrown), argv.includes('--json'));
  }
}

async function dispatch(args: Arguments): Promise<number> {
  const name = [args.words.slice(0, 2).join(' '), args.words[0] ?? ''].find((one) => one in steps || one in commands);
  if (name === undefined && args.flags['version'] !== undefined) return print('0.1.0');
  if (name === undefined && args.words.length > 0) throw unknownCommand(args.words);
  if (name === undefined) return print(await overview());
  const rest = { ...args, words: args.words.slice(name.split(' ').length) };
  const command = commands[name];
  return command ? (await command())(rest) : runStep(await (steps[name] as () => Promise<Step>)(), rest);
}

async function runStep(step: Step, { words, flags }: Arguments): Promise<number> {
  const { help, json, ...given } = flags;
  if (help) return print(deriveHelp(step));
  // The first word is the step's first required input: `pratique verify IMAGE`.
  const [first] = Object.entries(step.inputs).find(([, kind]) => kind.required) ?? Object.entries(step.inputs)[0] ?? [];
  if (words.length > (first === undefined ? 0 : 1)) requireKnown({ [words[1] ?? words[0] ?? '']: '' }, Object.keys(step.inputs));
  return runInTerminal(step, { ...(first !== undefined && words[0] !== undefined ? { [first]: words[0] } : {}), ...given }, { json: json !== undefined });
}

function unknownCommand(words: readonly string[]): Failure {
  const given = words.slice(0, 2).join(' ');
  const near = nearest(given, [...Object.keys(steps), ...Object.keys(commands)]) ?? nearest(words[0] ?? '', [...Object.keys(steps), ...Object.keys(commands)]);
  return new Failure({ code: 'INPUT_UNKNOWN', message: `there is no command "${given}"${near ? `; did you mean ${near}?` : ''}`, hint: 'pratique --help lists the commands.' });
}

async function overview(): Promise<string> {
  const rows = await Promise.all(Object.entries(steps).map(async ([name, load]) => `  ${name.padEnd(18)} ${(await load()).description}`));
  return [
    'pratique: from commit to production without trusting anything you cannot prove', '', 'Steps:', ...rows, '', 'Beside them:',
    '  tools              Programs the steps use: wanted, found, where from.',
    '  lab up             Start registry, mirror, Sigstore, GitHub, Entra and Azure stand-ins on this machine; --cluster adds a real Kubernetes.',
    '  lab load           Bounded HTTP traffic at the cluster\'s gateway: URL --rate 20 --seconds 60.',
    '  lab acr            Only the ACR emulator: --port 5000 --data DIR [--http] [--anonymous].',
    '  lab sigstore       Only Fulcio, Rekor and TSA.', '', 'pratique COMMAND --help tells its flags; --json prints results as JSON.',
  ].join('\n');
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function printFailure(failure: Failure, json: boolean): number {
  if (json) process.stdout.write(`${JSON.stringify({ outputs: {}, failure: { code: failure.code, message: failure.message, hint: failure.hint } })}\n`);
  process.stderr.write(formatEnding(endingOfFailure(failure), process.stderr.isTTY === true && !process.env['NO_COLOR']));
  return failure.exitStatus;
}
