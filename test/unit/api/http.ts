/** One HTTP request, and what came back. */
import { type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
  readonly headers: IncomingHttpHeaders;
}

/** `sent`: the body, if there is one. */
export function ask(options: object, method = 'GET', sent?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, method }, (res) => {
      let body = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => {
        body += chunk;
      });
      res.on('end', () =>
        resolve({
          ...{ status: res.statusCode!, body, type: String(res.headers['content-type']) },
          headers: res.headers,
        }),
      );
    });
    asked.on('error', reject);
    asked.end(sent);
  });
}
