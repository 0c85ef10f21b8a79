import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command.action(
      does(async (cli) => {
        const client = await cli.client();
        await client.status();
        const url = `${client.url}/openapi.json`;
        const isOpened = cli.terminal.canAsk && (await cli.terminal.openUrl(url));
        return { type: "text", value: { url, opened: isOpened }, text: () => `${url}\n` };
      }),
    );
  },
};
