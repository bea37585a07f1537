"""News from sport, science, culture and business."""

from training.corpus.corpus import Family
from training.corpus.news.report import Report, news
from training.corpus.words import MONTHS

FAMILIES: dict[str, Family] = {}


@news(FAMILIES)
def match(r: Report) -> None:
    """The result of a match."""
    home, away, day, player, coach, other = r.town, r.neighbour, r.day, r.person(), r.person(), r.person()
    goals, lost = r.draw(2, 6), r.draw(0, 1)
    suffix = r.pick(("United", "Rovers", "City", "Town", "Athletic"))
    minute, fans, place = r.draw(61, 89), r.draw(2, 40), r.pick(("second", "third", "fourth", "fifth", "sixth"))
    r.lead(
        (f"{home} {suffix} beat {away} {goals}-{lost} on {day} in front of {fans},000 fans.",
         f"{home} {suffix} win {goals}-{lost} against {away}"),
        (f"{player} was the hero on {day} as {home} {suffix} won {goals}-{lost} at {away}.",
         f"{player} shines as {home} {suffix} defeat {away} {goals}-{lost}"),
        (f"{away} suffered a {goals}-{lost} defeat against {home} {suffix} on {day}.",
         f"{away} lose {goals}-{lost} to {home} {suffix} on {day}"))
    r.fact(
        (f"{player} scored the decisive goal in the {minute}th minute." if minute % 10 > 3 else
         f"{player} scored the decisive goal after {minute} minutes.",
         f"{player} scores the decisive goal {minute} minutes into the game"),
        (f"The win lifts {home} to {place} place in the table.",
         f"{home} move up to {place} place after the victory"))
    foul = r.pick(("late tackle", "handball", "foul", "push"))
    r.fact((f"{other} was sent off for a {foul} just before half-time.",
            f"{other} saw a red card for a {foul}"), chance=0.5)
    r.quote(coach, f"the coach of {home}", "The team showed great spirit", "We had a plan and it worked",
            "I am proud of every player", "We must not dream too early", "The second half was our best this year")
    r.quote(player, f"who joined {home} in {r.pick(MONTHS)}", "The fans carried us",
            "I just hit the ball as hard as I could",
            "It feels like a dream", "We are a real team now", "My family watched from the stands")
    r.detail(f"It rained for most of the {r.pick(('first', 'second'))} half.", f"{away} hit the post {r.few()} times.",
             f"The next match is on {r.pick(MONTHS)} {r.draw(2, 28)}.", "Both teams started slowly.")


@news(FAMILIES)
def study(r: Report) -> None:
    """Researchers find an effect."""
    town, people, years, share, head, critic = r.town, r.draw(3, 60), r.few(), r.draw(10, 60, 5), r.person(), r.person()
    habit = r.pick(("drink tea", "walk to work", "sleep eight hours", "sing in a choir", "keep a dog", "eat breakfast",
                    "read before bed", "work in a garden"))
    gain = r.pick(("are ill less often", "remember names better", "feel less stress", "live longer",
                  "sleep more deeply",
                   "have fewer headaches"))
    journal = r.pick(("Health Today", "Science Letters", "the Journal of Daily Life", "Mind and Body"))
    r.lead(
        (f"People who {habit} {gain}, according to a study from the University of {town}.",
         f"{town} study finds that people who {habit} {gain}"),
        (f"Researchers in {town} have found that people who {habit} {gain}.",
         f"Study by researchers in {town}: those who {habit} {gain}"),
        (f"If you {habit}, you may {gain.replace('are ill', 'be ill')}, scientists from {town} say.",
         f"Scientists say those who {habit} may {gain.replace('are ill', 'be ill')}"))
    r.fact(
        (f"The team followed {people},000 adults for {years} years.",
         f"{people},000 adults were observed over {years} years"),
        (f"The effect was seen in {share} per cent of the {people},000 people who took part.",
         f"{share} per cent of {people},000 participants showed the effect"))
    r.fact((f"The results appear in {journal} this week.", f"Findings are published in {journal}"), chance=0.5)
    r.quote(head, "who led the study", "We were surprised by the result", "The link is stronger than we thought",
            "Small habits can make a large difference", "Now we want to know why", "The data are very clear")
    r.quote(critic, "who was not part of the team", "The numbers are interesting but not the last word",
            "More research is needed", "Other habits could play a role", "I would like to see it repeated")
    r.detail(f"The participants were between {r.draw(18, 30)} and {r.draw(60, 85)} years old.",
             "All of them kept a diary.",
             f"The work was paid for by a fund in {r.neighbour}.",
             f"An earlier study had looked at {r.draw(100, 900, 50)} people.")


@news(FAMILIES)
def festival(r: Report) -> None:
    """A festival and its visitors."""
    town, day, visitors, days, acts = r.town, r.day, r.draw(3, 80), r.few(), r.draw(15, 90)
    kind = r.pick(("jazz", "film", "food", "book", "street theatre", "folk music", "kite", "light"))
    host, guest, star = r.person(), r.person(), r.person()
    r.lead(
        (f"The {kind} festival in {town} ended on {day} with {visitors},000 visitors.",
         f"{visitors},000 visitors come to {kind} festival in {town}"),
        (f"{town} celebrated its {kind} festival for {days} days until {day}.",
         f"{kind.capitalize()} festival in {town} lasts {days} days"),
        (f"A {kind} festival with {acts} events opened in {town} on {day}.",
         f"{town} {kind} festival starts on {day} with {acts} events"))
    money = r.draw(2, 30)
    long = r.draw(40, 150, 10)
    r.fact(
        (f"{star} won the main prize, which comes with ${money},000.",
         f"Main prize of ${money},000 goes to {star}"),
        (f"{star} was cheered for a show that lasted {long} minutes.",
         f"{star} wins cheers for {long}-minute show"))
    month = r.pick(MONTHS)
    r.fact((f"Next year the festival will move to {month}.",
            f"Festival is to be held in {month} next year"), chance=0.5)
    r.quote(host, "who runs the festival", "We have never had such a crowd", "The weather was on our side",
            "It is hard work but worth it", "We are already planning the next one", "Our helpers are the real stars")
    r.quote(guest, f"a visitor from {r.neighbour}", "I come here every year", "There was something for everybody",
            "My feet hurt from dancing", "The food alone was worth the trip", "We camped by the river")
    r.detail(f"Tickets cost between ${r.draw(5, 15)} and ${r.draw(20, 60, 5)}.",
             f"About {r.draw(50, 300, 10)} people helped.",
             f"The festival was founded {r.draw(3, 40)} years ago.", "Parking was hard to find.")


@news(FAMILIES)
def club_president(r: Report) -> None:
    """A club elects its head."""
    town, day, winner, loser, member = r.town, r.day, r.person(), r.person(), r.person()
    club = r.pick(("chess club", "rowing club", "choir", "tennis club", "history society", "football club",
                  "hiking club"))
    votes, against, years = r.draw(60, 180), r.draw(10, 58), r.few()
    r.lead(
        (f"{winner} was elected president of the {town} {club} on {day}.",
         f"{town} {club} elects {winner} as president"),
        (f"The members of the {town} {club} chose {winner} as their new president on {day}.",
         f"{winner} becomes new head of {town} {club}"),
        (f"{winner} will lead the {town} {club} for the next {years} years.",
         f"{winner} to head {club} in {town} for {years} years"))
    aim = r.pick(("lower the fees", "repair the club house", "win more young members"))
    r.fact(
        (f"{winner.last} received {votes} votes, while {loser} got {against}.",
         f"{winner.last} beats {loser} by {votes} votes to {against}"),
        (f"{winner.last} promised to {aim}"
         f" after {winner.his} win over {loser}.",
         f"{winner.last}, who defeated {loser}, wants to {aim}"))
    size = r.draw(190, 600, 10)
    r.fact((f"The club has {size} members.", f"Club counts {size} members"), chance=0.4)
    r.quote(winner, "the new president", "I thank everybody for their trust", "There is a lot to do",
            "I want to listen first", "We will work as a team", "The door of my office is open to all")
    r.quote(member, "a long-time member", "It was time for a change", "We need fresh ideas",
            "The meeting was calm and friendly",
            "I hope the fees stay low", "Both of them would have been good")
    r.detail(f"The meeting lasted {r.few()} hours.", f"The old president stepped down after {r.draw(4, 25)} years.",
             f"The club was founded more than {r.draw(20, 120, 10)} years ago.", "The votes were counted twice.")


@news(FAMILIES)
def charity_run(r: Report) -> None:
    """A run that raises money."""
    town, day, runners, money, winner, host = r.town, r.day, r.draw(150, 950, 10), r.draw(5, 95), r.person(), r.person()
    cause = r.pick(("a children's hospital", "an animal home", "a new playground", "the lifeboat service",
                   "a food bank"))
    miles, minutes, other = r.draw(3, 15), r.draw(31, 89), r.person()
    r.lead(
        (f"{runners} people ran through {town} on {day} to raise money for {cause}.",
         f"{runners} runners collect money in {town} for {cause}"),
        (f"A charity run in {town} brought in ${money},000 for {cause} on {day}.",
         f"Run in {town} raises ${money},000 for {cause}"),
        (f"On {day}, {runners} runners took part in a race over {miles} miles in {town} for {cause}.",
         f"{runners} take part in {miles}-mile race in aid of {cause}"))
    job = r.pick(("nurse", "teacher", "student", "baker", "gardener"))
    r.fact(
        (f"{winner} was the fastest and needed {minutes} minutes.",
         f"{winner} finishes first after {minutes} minutes"),
        (f"The first to cross the line was {winner}, a {job}.",
         f"{winner}, who works as a {job}, wins the race".replace("who works as a student", "a student")))
    age = r.draw(76, 95)
    r.fact((f"The oldest runner was {other}, who is {age}.",
            f"{other}, {age}, was the oldest to take part"), chance=0.5)
    r.quote(winner, "the winner", "The hill at the end was terrible", "I only wanted to arrive",
            "I train every morning before work", "The people along the road were great", "I did it for my sister")
    r.quote(host, "who organised the run", "We had hoped for half as many", "Every dollar will help",
            "The town has a big heart", "We will do it again next year", "The sun came out at the right moment")
    r.detail(f"{r.draw(20, 150, 10)} helpers handed out water.",
             f"It was the {r.pick(('third', 'fifth', 'tenth'))} run of its kind.",
             f"Some ran dressed as {r.pick(('bears', 'pirates', 'clowns', 'carrots', 'penguins'))}.",
             "A brass band played at the start.")


@news(FAMILIES)
def exhibition(r: Report) -> None:
    """A museum shows something."""
    town, day, pieces, head, guest = r.town, r.day, r.draw(40, 400, 10), r.person(), r.person()
    what = r.pick(("old maps", "toys", "ship models", "musical instruments", "clocks", "posters", "dinosaur bones",
                  "coins"))
    month, price = r.pick(MONTHS), r.draw(3, 20)
    r.lead(
        (f"The museum of {town} is showing {pieces} {what} in an exhibition that opened on {day}.",
         f"{pieces} {what} on display at {town} museum"),
        (f"An exhibition of {what} has opened at the museum in {town}.",
         f"{town} museum opens exhibition of {what}"),
        (f"Lovers of {what} can see {pieces} of them in {town} from {day}.",
         f"Exhibition in {town} presents {pieces} {what} from {day}"))
    donor = r.person()
    r.fact(
        (f"The show runs until {month} and a ticket costs ${price}.",
         f"Tickets for the show, open until {month}, cost ${price}"),
        (f"The collection belonged to {donor}, who gave it to the town in {month}.",
         f"{donor} donated the collection to the town in {month}"))
    age = r.draw(150, 900, 50)
    r.fact((f"The oldest piece is {age} years old and was found in {r.neighbour}.",
            f"Oldest piece, found in {r.neighbour}, dates back {age} years"), chance=0.5)
    r.quote(head, "the director of the museum", "Each piece tells a story", "We have worked on it for years",
            "Many of these have never been shown before", "We want children to touch and try", "It fills all our rooms")
    r.quote(guest, f"a visitor from {r.neighbour}", "I could stay here all day", "It took me back to my childhood",
            "I did not know how much there is to learn", "The light in the rooms is beautiful",
            "I would love to own one of them")
    r.detail(f"The museum has {r.draw(5, 90)},000 visitors a year.",
             f"The museum is closed on {r.pick(('Mondays', 'Tuesdays'))}.",
             f"Guided tours last {r.draw(40, 90, 10)} minutes.", "A book with pictures is on sale.")


@news(FAMILIES)
def company_results(r: Report) -> None:
    """Profit, loss and jobs of a company."""
    boss, analyst, town, percent, amount = r.person(), r.person(), r.town, r.draw(3, 48), r.draw(2, 90)
    name = f"{r.person().last} {r.pick(('Foods', 'Tools', 'Textiles', 'Motors', 'Paper', 'Toys', 'Glass'))}"
    up, day = r.rng.random() < 0.6, r.day
    change, moved = ("rise", "rose") if up else ("fall", "fell")
    r.lead(
        (f"Profits at {name} of {town} {moved} by {percent} per cent last year, the company said on {day}.",
         f"{name} reports {change} in profits of {percent} per cent"),
        (f"{name}, which is based in {town}, said on {day} that its profit {moved} to ${amount} million.",
         f"Profit at {town} firm {name} {moved} to ${amount} million"),
        (f"A {change} of {percent} per cent in profits was announced by {name} on {day}.",
         f"Profits {change} {percent} per cent at {name}, firm says on {day}"))
    step = r.pick(("hire", "train") if up else ("cut", "move"))
    jobs = r.draw(20, 400, 10)
    month = r.pick(MONTHS)
    field = r.pick(("Asia", "France", "the north", "online shops"))
    extra = r.draw(2, 30)
    r.fact(
        (f"The company plans to {step} {jobs} "
         f"workers in {r.neighbour} by {month}.",
         f"Firm wants to {step} {jobs} workers in {r.neighbour} before {month}"),
        (f"Sales in {field} {moved} most, by ${extra} million.",
         f"Sales in {field} {moved} by ${extra} million"))
    leave = r.pick(MONTHS)
    r.fact((f"{boss} will step down as head of the company in {leave}.",
            f"Company head {boss} is to leave in {leave}"), chance=0.4)
    r.quote(boss, "who heads the company", "It has been a year of change", "Our customers stay with us",
            "We look ahead with confidence", "The costs of energy are our main worry", "We have a strong team")
    r.quote(analyst, "who follows the company for a bank", "The numbers are in line with what we expected",
            "The market is difficult", "The next months will be decisive", "There are few surprises here")
    r.detail(f"The company was founded {r.draw(15, 120, 5)} years ago.", f"It has {r.draw(2, 40)} factories.",
             f"Shares moved by {r.few()} cents.", "A new product will be shown in spring.")
