package peer;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** The handler on Spring Boot, as its guides write it. */
@SpringBootApplication
@RestController
public class Peer {
	record User(String id, String name, String email) {}

	@GetMapping("/users/{id}")
	User user(@PathVariable("id") String id) {
		return new User(id, "User " + id, "user" + id + "@example.com");
	}

	public static void main(String[] args) {
		SpringApplication.run(Peer.class, args);
	}
}
