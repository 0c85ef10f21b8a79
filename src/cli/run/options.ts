/** Options of `canopy run`, as commander reads them. */
export interface RunOptions {
  name?: string;
  priority?: number;
  detach?: boolean;
  logs?: boolean;
  cpus?: number;
  memory?: number;
  timeout?: number;
  retries?: number;
  label?: string[];
  reuse?: boolean;
  keepGoing?: boolean;
  each?: string;
  sweep?: string[];
  input?: string[];
  output?: string[];
  into?: string;
  env?: string[];
  args?: string;
  scale?: number;
  sizeScale?: number;
  deadline?: number;
  budget?: string;
  objective?: string;
  expect?: string;
  plan?: boolean;
  yes?: boolean;
}
