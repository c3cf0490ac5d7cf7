// SPDX-License-Identifier: Apache-2.0
// Writes packages/lab/src/cluster/{gateway-api,kwok-stages}.json anew from pinned modules (both Apache-2.0). Run by hand when a version changes: node test/tools/cluster-definitions.ts
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { checkout } from './runtime.mjs';

/** A schema without its prose, which is most of it; `named` says that the keys are names of properties. */
function withoutDescriptions(value: unknown, named = false): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutDescriptions(item));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key, item]) => named || key !== 'description' || typeof item !== 'string');
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutDescriptions(item, key === 'properties')]));
}

async function write(name: string, module: string, files: readonly string[]): Promise<void> {
  // The Go command verifies the module against the checksum database.
  const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', module]);
  const { Dir } = JSON.parse(stdout) as { Dir: string };
  const items = await Promise.all(files.map(async (file) => withoutDescriptions(load(await readFile(join(Dir, file), 'utf8')))));
  const source = `${module}, The Kubernetes Authors, Apache-2.0; descriptions removed by test/tools/cluster-definitions.ts`;
  await writeFile(join(checkout, `packages/lab/src/cluster/${name}.json`), `${JSON.stringify({ source, items })}\n`);
}

await write('gateway-api', 'sigs.k8s.io/gateway-api@v1.6.1', ['gatewayclasses', 'gateways', 'httproutes', 'grpcroutes', 'referencegrants'].map((kind) => `config/crd/standard/gateway.networking.k8s.io_${kind}.yaml`));
const stages = ['node/fast/node-initialize', 'node/heartbeat-with-lease/node-heartbeat-with-lease', 'pod/fast/pod-ready', 'pod/fast/pod-complete', 'pod/fast/pod-delete'];
await write('kwok-stages', 'sigs.k8s.io/kwok@v0.8.0', stages.map((stage) => `kustomize/stage/${stage}.yaml`));
