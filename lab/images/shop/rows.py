"""The shop's web program: each POST inserts one row and answers with its number once the database has committed it."""

import concurrent.futures
import http.server
import os
import signal
import socketserver
import threading

import psycopg2

DATABASE = "host=database user=shop dbname=shop connect_timeout=10 password=" + os.environ["SHOP_PASSWORD"]

local = threading.local()


def query(statement, *values):
    """One transaction on this thread's connection, which is made anew when the database has gone meanwhile."""
    if getattr(local, "connection", None) is None or local.connection.closed:
        local.connection = psycopg2.connect(DATABASE)
    try:
        with local.connection, local.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()
    except psycopg2.Error:
        local.connection.close()
        raise


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(lambda: "%d rows\n" % query("SELECT count(*) FROM orders"))

    def do_POST(self):
        name = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self.answer(lambda: "%d\n" % query("INSERT INTO orders (name, client) VALUES (%s, %s) RETURNING id", name, self.client_address[0]))

    def answer(self, work):
        try:
            status, text = 200, work()
        except psycopg2.Error as error:
            status, text = 503, str(error)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Client", self.client_address[0])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A few threads that stay, each with its connection to the database."""

    request_queue_size = 512
    threads = concurrent.futures.ThreadPoolExecutor(8)

    def process_request(self, request, client_address):
        self.threads.submit(self.process_request_thread, request, client_address)


if __name__ == "__main__":
    server = Server(("", 8000), Shop)
    # A graceful end: nothing new is taken, and who is being served is served to the end.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    server.threads.shutdown()
