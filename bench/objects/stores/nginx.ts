import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findProgram, freePort, portOpen, startServer } from "../../peers/process.ts";
import { withChildren } from "../cpu.ts";
import type { StoreKind } from "../store.ts";

/** Plain files by WebDAV's PUT: no signature, no index, no sync. A ceiling, and no store. */
export const nginx: StoreKind = {
  name: "nginx",
  isDurable: false,
  path: "/bench",
  async missing() {
    return (await findProgram("nginx"))
      ? undefined
      : "nginx is not installed: apt-get install nginx-light";
  },
  async start(folder) {
    const port = await freePort();
    await mkdir(join(folder, "root/bench"), { recursive: true });
    const config = join(folder, "nginx.conf");
    await writeFile(config, configOf(folder, port));
    const logPath = join(folder, "nginx.log");
    const server = startServer(
      (await findProgram("nginx"))!,
      ["-c", config, "-p", folder],
      logPath,
    );
    await portOpen(port, logPath);
    return {
      host: "127.0.0.1",
      port,
      pids: () => withChildren(server.child.pid!),
      stop: () => server.stop("SIGQUIT"),
    };
  },
};

const configOf = (folder: string, port: number) => `
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 100000000;
  client_body_temp_path ${folder}/body;
  client_max_body_size 1g;
  client_body_buffer_size 64k;
  proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/root;
    location / { dav_methods PUT DELETE; create_full_put_path on; }
  }
}
`;
