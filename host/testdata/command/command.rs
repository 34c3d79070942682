// The CGI program of main.go, in Rust.
use std::env;
use std::io::{self, Read, Write};

static mut COUNT: u32 = 0;

fn pipe() {
    let mut all = Vec::new();
    io::stdin().read_to_end(&mut all).unwrap();
    io::stdout().write_all(&all).unwrap();
}

fn main() {
    let number: i64 = env::var("QUERY_STRING").unwrap().parse().unwrap_or(0);
    match env::var("PATH_INFO").unwrap().as_str() {
        "/count" => unsafe {
            COUNT += 1;
            print!("Content-Type: text/plain\n\n{}", COUNT);
        },
        "/env" => {
            let args: Vec<String> = env::args().collect();
            print!("Content-Type: text/plain\n\n{}\n", args.join(" "));
            let mut all: Vec<String> = env::vars().map(|(k, v)| k + "=" + &v).collect();
            all.sort();
            for line in all {
                println!("{}", line);
            }
        }
        "/echo" => {
            print!("Content-Type: application/octet-stream\r\n\r\n");
            pipe();
        }
        "/raw" => pipe(),
        "/big" => {
            print!("Content-Type: application/octet-stream\n\n");
            io::stdout().write_all(&vec![b'x'; number as usize]).unwrap();
        }
        "/exit" => {
            print!("Content-Type: text/plain\n\nbye");
            std::process::exit(number as i32);
        }
        "/spin" => loop {
            unsafe { std::ptr::write_volatile(std::ptr::addr_of_mut!(COUNT), 1) }
        },
        "/grow" => {
            let mut all = Vec::new();
            loop {
                all.push(vec![1u8; 1 << 20]);
            }
        }
        "/panic" => panic!("on purpose"),
        "/log" => {
            eprintln!("a line for the log");
            print!("Status: 204\n\n");
        }
        _ => {}
    }
}
