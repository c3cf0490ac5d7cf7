// SPDX-License-Identifier: Apache-2.0
// Helm's command lines (helm >= 4.2.4), as pure functions.
import { Failure, isDigest, type JsonObject } from '@pratique/core';

/** Which cluster and namespace. */
export interface HelmTarget {
  /** Path of a kubeconfig file. */
  readonly kubeconfig: string;
  /** Default: its current context. */
  readonly context?: string;
  readonly namespace: string;
}

/** A chart and what it is filled with. */
export interface ChartSource {
  /** A folder or archive, or `oci://HOST/REPOSITORY@sha256:…`. */
  readonly chart: string;
  /** Paths of values files, later ones win. */
  readonly values?: readonly string[];
  /** `key=value`; values of strings are not converted to numbers or booleans when `text` is set. */
  readonly set?: readonly { readonly key: string; readonly value: string; readonly text?: boolean }[];
  /** For a registry with an authority of its own. */
  readonly authorityFile?: string;
}

/** An install or upgrade. */
export interface UpgradeOptions extends ChartSource {
  readonly release: string;
  /** Seconds for each hook. */
  readonly timeoutSeconds: number;
  /** Revisions that are kept. */
  readonly historyMax: number;
  /** Said in `helm history`. */
  readonly description: string;
  /** Labels of the release record. */
  readonly labels?: Readonly<Record<string, string>>;
  /** `auto`: as the revision before; a new release is applied by the server. */
  readonly serverSide: 'auto' | 'true' | 'false';
  /** Take fields over that other managers own. */
  readonly forceConflicts?: boolean;
  readonly hooks?: boolean;
  readonly dryRun?: boolean;
  /** Keeps the rules of one HTTPRoute as they are given, whatever the chart renders. */
  readonly postRenderer?: RouteRules;
}

/** Rules of an HTTPRoute that a chart must not change for now. */
export interface RouteRules {
  /** Name of the route. */
  readonly route: string;
  /** `spec.rules` as they shall be. */
  readonly rules: readonly JsonObject[];
}

/** Name of the post-renderer among helm's plugins. */
export const routeKeeper = 'pratique-route-keeper';

const target = ({ kubeconfig, context, namespace }: HelmTarget): string[] => [`--kubeconfig=${kubeconfig}`, ...(context === undefined ? [] : [`--kube-context=${context}`]), `--namespace=${namespace}`];

/** Fails with `INPUT_INVALID`: a chart from a registry must be named by digest, others must be in the workspace. */
export function checkChart(chart: string): string {
  const refuse = (problem: string): Failure => new Failure({ code: 'INPUT_INVALID', message: `the chart "${chart}" ${problem}`, hint: 'A path such as ./chart, or oci://HOST/REPOSITORY@sha256:DIGEST.' });
  if (/^https?:/i.test(chart)) throw refuse('is a URL: what is there tomorrow may be another one');
  if (chart.startsWith('oci://')) {
    const [, digest = ''] = chart.split('@');
    if (!isDigest(digest) || chart.split('@').length !== 2) throw refuse('is named by tag or version, not by digest');
    return chart;
  }
  if (chart === '' || chart.startsWith('-') || chart.includes('\0')) throw refuse('is no path');
  // Without a dot or slash in front, helm would take NAME or REPO/NAME for a chart of a repository that the runner happens to know.
  return chart.startsWith('/') || chart.startsWith('.') ? chart : `./${chart}`;
}

const releaseName = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** Fails with `INPUT_INVALID`; helm allows 53 characters. */
export function checkReleaseName(release: string): string {
  if (release.length <= 53 && releaseName.test(release)) return release;
  throw new Failure({ code: 'INPUT_INVALID', message: `"${release}" is no name of a release`, hint: 'Lower case letters, digits and dashes, at most 53.' });
}

// Commas would start the next assignment, and braces a list; keys may hold dots and brackets, which are paths.
const escapeValue = (value: string): string => value.replace(/[\\,{}]/g, '\\$&');

function source({ chart, values = [], set = [], authorityFile }: ChartSource): string[] {
  return [
    checkChart(chart), ...values.map((file) => `--values=${file}`),
    ...set.map(({ key, value, text = false }) => (text ? `--set-string=${key}=${escapeValue(value)}` : `--set=${key}=${value}`)),
    ...(authorityFile === undefined ? [] : [`--ca-file=${authorityFile}`]),
  ];
}

/** `helm upgrade --install`. It waits for hooks only: waiting for the rest is ours. Its output is never shown: it holds notes and values. */
export function upgradeArguments(to: HelmTarget, options: UpgradeOptions): string[] {
  const labels = Object.entries(options.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(',');
  return [
    'upgrade', checkReleaseName(options.release), ...source(options), ...target(to), '--install', '--wait=hookOnly', `--timeout=${options.timeoutSeconds}s`, `--history-max=${options.historyMax}`,
    `--server-side=${options.serverSide}`, `--description=${options.description.replace(/\s+/g, ' ')}`, '--hide-notes',
    ...(labels === '' ? [] : [`--labels=${labels}`]), ...(options.forceConflicts ? ['--force-conflicts'] : []), ...(options.hooks === false ? ['--no-hooks'] : []),
    ...(options.postRenderer === undefined ? [] : [`--post-renderer=${routeKeeper}`]), ...(options.dryRun ? ['--dry-run=server', '--hide-secret'] : []),
  ];
}

/** `helm template`, without hooks and tests, rendered as for an upgrade; the server is asked, so that `lookup` and API versions are true. */
export function renderArguments(to: HelmTarget, options: ChartSource & { readonly release: string; readonly upgrade: boolean }): string[] {
  return ['template', checkReleaseName(options.release), ...source(options), ...target(to), '--no-hooks', '--skip-tests', '--dry-run=server', ...(options.upgrade ? ['--is-upgrade'] : [])];
}

/** `helm rollback`. */
export function rollbackArguments(to: HelmTarget, options: { readonly release: string; readonly revision: number; readonly timeoutSeconds: number; readonly historyMax: number; readonly hooks?: boolean; readonly forceConflicts?: boolean }): string[] {
  return [
    'rollback', checkReleaseName(options.release), String(options.revision), ...target(to), '--wait=hookOnly', `--timeout=${options.timeoutSeconds}s`, `--history-max=${options.historyMax}`,
    ...(options.forceConflicts ? ['--force-conflicts'] : []), ...(options.hooks === false ? ['--no-hooks'] : []),
  ];
}

/** `helm uninstall`; nothing there is no error. Dependents are gone when it ends. */
export function uninstallArguments(to: HelmTarget, options: { readonly release: string; readonly timeoutSeconds: number; readonly hooks?: boolean }): string[] {
  return ['uninstall', checkReleaseName(options.release), ...target(to), '--ignore-not-found', '--cascade=foreground', '--wait=hookOnly', `--timeout=${options.timeoutSeconds}s`, ...(options.hooks === false ? ['--no-hooks'] : [])];
}
