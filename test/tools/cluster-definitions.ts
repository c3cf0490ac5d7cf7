// SPDX-License-Identifier: Apache-2.0
// Writes packages/lab/src/cluster/{gateway-api,kwok-stages}.json and test/fixtures/{flagger,argo-rollouts}-definitions.json anew from pinned modules (all Apache-2.0). Run by hand when a version changes: node test/tools/cluster-definitions.ts
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import { checkout } from './runtime.mjs';

/** A schema without its prose, which is most of it; `named` says that the keys are names of properties. */
function withoutDescriptions(value: unknown, named = false): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutDescriptions(item));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key, item]) => named || key !== 'description' || typeof item !== 'string');
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutDescriptions(item, key === 'properties')]));
}

async function write(target: string, { module, authors }: { readonly module: string; readonly authors: string }, files: readonly string[]): Promise<void> {
  // The Go command verifies the module against the checksum database.
  const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', module]);
  const { Dir } = JSON.parse(stdout) as { Dir: string };
  const texts = await Promise.all(files.map((file) => readFile(join(Dir, file), 'utf8')));
  // Flagger's quoted descriptions are indented less than YAML asks for.
  const items = texts.flatMap((text) => loadAll(text.replace(/description: '(?:[^']|'')*'/g, "description: ''"))).map((item) => withoutDescriptions(item));
  const source = `${module}, ${authors}, Apache-2.0; descriptions removed by test/tools/cluster-definitions.ts`;
  await writeFile(join(checkout, `${target}.json`), `${JSON.stringify({ source, items })}\n`);
}

const kubernetes = 'The Kubernetes Authors';
await write('packages/lab/src/cluster/gateway-api', { module: 'sigs.k8s.io/gateway-api@v1.6.1', authors: kubernetes }, ['gatewayclasses', 'gateways', 'httproutes', 'grpcroutes', 'tlsroutes', 'backendtlspolicies', 'referencegrants'].map((kind) => `config/crd/standard/gateway.networking.k8s.io_${kind}.yaml`));
const stages = ['node/fast/node-initialize', 'node/heartbeat-with-lease/node-heartbeat-with-lease', 'pod/fast/pod-ready', 'pod/fast/pod-complete', 'pod/fast/pod-delete'];
await write('packages/lab/src/cluster/kwok-stages', { module: 'sigs.k8s.io/kwok@v0.8.0', authors: kubernetes }, stages.map((stage) => `kustomize/stage/${stage}.yaml`));
await write('test/fixtures/flagger-definitions', { module: 'github.com/fluxcd/flagger@v1.44.0', authors: 'The Flux authors' }, ['artifacts/flagger/crd.yaml']);
await write('test/fixtures/argo-rollouts-definitions', { module: 'github.com/argoproj/argo-rollouts@v1.9.0', authors: 'The Argo Authors' }, ['manifests/crds/rollout-crd.yaml']);
