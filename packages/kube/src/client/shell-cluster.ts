// SPDX-License-Identifier: Apache-2.0
// The calls of a recovery by kubectl, through a shell that stands where the API server can be reached. Each takes seconds: nothing is watched this way.
import { Failure, isJsonObject, quoteWord, stripControl, type FailureCode } from '@pratique/core';
import type { Cluster } from './cluster.ts';
import { isKubeObject, listOf, textOf, type KubeObject, type ObjectKind, type ObjectQuery, type ObjectRef } from './object.ts';

/** Runs one command of a POSIX shell; `output` is what it printed, errors included. */
export type Shell = (command: string) => Promise<{ readonly exitCode: number; readonly output: string }>;

/** What a recovery asks of a cluster. Fails with `KUBE_*`, and with what the shell fails with. */
export type ShellCluster = Pick<Cluster, 'get' | 'list' | 'create' | 'update' | 'patch' | 'remove'>;

/** kubectl's own words for the refusals of the API server (k8s.io/apimachinery/pkg/api/errors, kubectl cmd/util). */
const refusals: readonly (readonly [words: RegExp, code: FailureCode])[] = [
  [/\(NotFound\)/, 'KUBE_NOT_FOUND'], [/\((?:Conflict|AlreadyExists)\)|the server rejected our request due to an error in our request/, 'KUBE_CONFLICT'], [/\(Forbidden\)/, 'KUBE_FORBIDDEN'],
  [/\(Unauthorized\)|You must be logged in/, 'KUBE_UNAUTHORIZED'], [/\((?:Invalid|BadRequest)\)/, 'KUBE_INVALID'],
];

/** Connects; nothing is run yet. */
export function connectByShell(shell: Shell, own: string): ShellCluster {
  const kubectl = async (what: string, words: readonly string[], input?: object): Promise<unknown> => {
    const command = ['kubectl', ...words, '--output', 'json'].map(quoteWord).join(' ');
    const { exitCode, output } = await shell(input === undefined ? command : `printf %s ${quoteWord(JSON.stringify(input))} | ${command} --filename -`);
    if (exitCode === 0) return parse(output, what);
    const said = stripControl(output).trim().split('\n').at(-1)?.slice(0, 500) ?? '';
    throw new Failure({ code: refusals.find(([words_]) => words_.test(output))?.[1] ?? 'KUBE_UNAVAILABLE', message: `${what}: ${said || `kubectl ended with ${exitCode}`}` });
  };
  const place = ({ namespace }: { readonly namespace?: string }): string[] => (namespace === '*' ? ['--all-namespaces'] : ['--namespace', namespace ?? own]);
  const one = async (ref: ObjectRef, verb: string, more: readonly string[]): Promise<KubeObject | undefined> => checked(await kubectl(`${verb} ${ref.kind} ${ref.name}`, [verb, typeName(ref), ref.name, ...place(ref), ...more]));
  const write = async (verb: 'create' | 'replace', object: KubeObject): Promise<KubeObject> => required(checked(await kubectl(`${verb} ${object.kind} ${object.metadata.name}`, [verb, ...place(object.metadata)], object)), object);
  // Whose fields they are is hidden otherwise, and could not be given back.
  const get: Cluster['get'] = (ref) => one(ref, 'get', ['--ignore-not-found', '--show-managed-fields']);
  return {
    get,
    async list(query) {
      const found = await kubectl(`list ${query.kind}`, ['get', typeName(query), ...place(query), ...selectors(query)]);
      return { items: listOf(found, 'items').flatMap((item) => checked({ ...item, apiVersion: query.apiVersion, kind: query.kind }) ?? []), resourceVersion: textOf(found, 'metadata', 'resourceVersion') };
    },
    create: (object) => write('create', object),
    update: (object) => write('replace', object),
    patch: async (ref, operations, { manager = 'pratique' } = {}) => required(await one(ref, 'patch', ['--type=json', `--patch=${JSON.stringify(operations)}`, `--field-manager=${manager}`]), ref),
    async remove(ref, { uid } = {}) {
      const found = await get(ref);
      if (found === undefined) return false;
      // kubectl cannot delete by uid: somebody who replaces the object between the two loses it.
      if (uid !== undefined && found.metadata.uid !== uid) throw new Failure({ code: 'KUBE_CONFLICT', message: `${ref.kind} ${ref.name} is another one of the same name` });
      const { exitCode, output } = await shell(['kubectl', 'delete', typeName(ref), ref.name, ...place(ref), '--ignore-not-found', '--wait=false'].map(quoteWord).join(' '));
      if (exitCode !== 0) throw new Failure({ code: 'KUBE_UNAVAILABLE', message: `delete ${ref.kind} ${ref.name}: ${stripControl(output).trim().slice(0, 500)}` });
      return true;
    },
  };
}

const selectors = ({ labelSelector, fieldSelector }: ObjectQuery): string[] => [...(labelSelector === undefined ? [] : [`--selector=${labelSelector}`]), ...(fieldSelector === undefined ? [] : [`--field-selector=${fieldSelector}`])];

/** `httproute.v1.gateway.networking.k8s.io`: no short name of another group can stand in its way. */
function typeName({ apiVersion, kind }: ObjectKind): string {
  const [group = '', version] = apiVersion.split('/');
  return version === undefined ? kind.toLowerCase() : `${kind.toLowerCase()}.${version}.${group}`;
}

/** Warnings stand before the object; what was cut off does not parse. */
function parse(output: string, what: string): unknown {
  const begin = output.indexOf('{');
  if (begin < 0) return undefined;
  try {
    return JSON.parse(output.slice(begin));
  } catch (cause) {
    throw new Failure({ code: 'KUBE_PROTOCOL', message: `${what}: what kubectl printed is no JSON, or was cut off after ${output.length} characters`, cause });
  }
}

function checked(value: unknown): KubeObject | undefined {
  return isJsonObject(value) && isKubeObject(value) ? value : undefined;
}

function required(object: KubeObject | undefined, { kind }: ObjectKind): KubeObject {
  if (object !== undefined) return object;
  throw new Failure({ code: 'KUBE_PROTOCOL', message: `kubectl printed something that is no ${kind}` });
}
