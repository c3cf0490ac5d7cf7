// SPDX-License-Identifier: Apache-2.0
// A post-renderer for helm 4: it puts given rules into one HTTPRoute of what a chart renders, so that an upgrade does not take the canary's traffic away
// while stable is not ready yet. Helm takes only plugins (https://helm.sh/docs/plugins/developer/tutorial-postrenderer-plugin), and a plugin has no YAML parser:
// so it hands the manifests over by file to this process, which has one.
import { posix } from 'node:path';
import { Failure, type Context } from '@pratique/core';
import type { KubeObject } from '../client/object.ts';
import { readManifest } from '../workload/manifest.ts';
import { routeKeeper, type RouteRules } from './arguments.ts';

/** A plugin that waits to be asked. */
export interface RouteKeeper {
  /** For `HELM_PLUGINS`. */
  readonly folder: string;
  /** Answers helm once, until `done`. Fails with `WORKLOAD_INVALID`; helm fails then too. */
  serve(done: AbortSignal): Promise<void>;
}

// Files appear by renaming, so that nobody reads half of one. 1200 looks of 50 ms: a minute.
const script = `set -eu
cd "$(dirname "$0")"
cat > asked.part
mv asked.part asked
tries=0
while [ ! -f answer ] && [ ! -f refusal ] && [ "$tries" -lt 1200 ]; do sleep 0.05; tries=$((tries + 1)); done
if [ -f answer ]; then cat answer; else cat refusal >&2; exit 1; fi
`;

/** Writes the plugin into the scratch folder. */
export async function openRouteKeeper({ files, scratch, clock }: Pick<Context, 'files' | 'scratch' | 'clock'>, rules: RouteRules): Promise<RouteKeeper> {
  const folder = posix.join(scratch, 'helm', 'plugins');
  const home = posix.join(folder, routeKeeper);
  const at = (name: string): string => posix.join(home, name);
  await files.remove(home);
  await files.write(at('keep.sh'), script);
  const command = { command: 'sh', args: [at('keep.sh')] };
  await files.write(at('plugin.yaml'), `${JSON.stringify({ apiVersion: 'v1', type: 'postrenderer/v1', name: routeKeeper, version: '0.1.0', runtime: 'subprocess', runtimeConfig: { platformCommand: [command] } })}\n`);
  return {
    folder,
    async serve(done) {
      while (!done.aborted) {
        const asked = await files.open(at('asked'));
        if (asked?.kind !== 'file') {
          await clock.sleep(0.05);
          continue;
        }
        try {
          const manifest = new TextDecoder().decode(await asked.bytes());
          await files.write(at('answer'), keepRules(readManifest(manifest, 'what the chart renders'), rules));
        } catch (thrown) {
          await files.write(at('refusal'), thrown instanceof Error ? thrown.message : String(thrown));
          throw thrown;
        }
        return;
      }
    },
  };
}

/** The manifests with the route's rules replaced, as JSON documents, which YAML is a superset of. Fails with `WORKLOAD_INVALID` when the route is not there once. */
export function keepRules(objects: readonly KubeObject[], { route, rules }: RouteRules): string {
  const isRoute = ({ kind, metadata }: KubeObject): boolean => kind === 'HTTPRoute' && metadata.name === route;
  const found = objects.filter(isRoute).length;
  if (found !== 1) throw new Failure({ code: 'WORKLOAD_INVALID', message: `the chart renders ${found} HTTPRoutes "${route}", not one` });
  return objects.map((object) => `---\n${JSON.stringify(isRoute(object) ? { ...object, spec: { ...(object['spec'] as object), rules } } : object)}\n`).join('');
}
