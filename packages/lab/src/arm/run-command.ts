// SPDX-License-Identifier: Apache-2.0
// Commands in pods of an AKS cluster: accepted at once, asked for until they have ended (https://learn.microsoft.com/rest/api/aks/managed-clusters/run-command, …/get-command-result).
import { randomUUID } from 'node:crypto';
import { isJsonObject, type JsonObject } from '@pratique/core';
import { jsonReply } from '../reply.ts';
import type { LabManagedCluster } from './cluster.ts';

/** What is known of each command by its id. */
export type CommandResults = Map<string, JsonObject | undefined>;

/** Starts it: 202, and where its result will be. */
export function startCommand(results: CommandResults, { cluster, body, url }: { readonly cluster: LabManagedCluster; readonly body: unknown; readonly url: URL }): Response {
  const { command = '', clusterToken = '' } = isJsonObject(body) ? body : {};
  if (typeof command !== 'string' || command === '') return jsonReply(400, { code: 'InvalidParameter', message: 'Required parameter command is missing (null).' });
  const id = randomUUID().replaceAll('-', '');
  const startedAt = new Date().toISOString();
  results.set(id, undefined);
  const end = (properties: JsonObject): void => void results.set(id, { id, properties: { startedAt, finishedAt: new Date().toISOString(), ...properties } });
  if (cluster.run === undefined) end({ provisioningState: 'Failed', reason: 'Failed to run the command: 0/1 nodes are available' });
  else void cluster.run(command, String(clusterToken)).then(({ exitCode, logs }) => end({ provisioningState: 'Succeeded', exitCode, logs }), (thrown: unknown) => end({ provisioningState: 'Failed', reason: String(thrown) }));
  return accepted(url, url.pathname.replace(/\/runCommand$/i, `/commandResults/${id}`));
}

/** The result, or 202 again. */
export function readCommand(results: CommandResults, url: URL): Response {
  const id = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  if (!results.has(id)) return jsonReply(404, { code: 'NotFound', message: `The command ${id} was not found.` });
  const result = results.get(id);
  return result === undefined ? accepted(url, url.pathname) : jsonReply(200, result);
}

function accepted(url: URL, path: string): Response {
  return new Response(null, { status: 202, headers: { location: `${url.origin}${path}${url.search}`, 'retry-after': '1' } });
}
