"""Given names, so that a person is known however a sentence is built; names that are words or systems are left out."""

from __future__ import annotations

_LATIN = """Aaron Abigail Adam Adrian Agnes Aisha Alan Albert Alejandro Alessandro Alex Alexander Alexandra Alexis
    Alfred Alice Alicia Alison Allison Amanda Amelia Amy Ana Anders Andrea Andreas Andreea Andres Andrew Andy Angela
    Anita Ann Anna Anne Annie Anthony Anton Antonio Ashley Astrid Barbara Beatrice Ben Benjamin Bernard Beth Bob
    Bogdan Brandon Brenda Brian Bruno Caitlin Cameron Camille Carl Carla Carlos Carol Caroline Catherine Cecilia
    Charles Charlotte Chloe Chris Christina Christine Christopher Claire Clara Colin Connor Craig Cristina Cynthia
    Dan Daniel Daniela Dave David Deborah Denis Dennis Derek Diana Diego Dmitri Dominic Donald Donna Dorothy Doug
    Douglas Dylan Ed Eddie Edward Eileen Elaine Elena Eleanor Eli Elias Elizabeth Ella Ellen Emil Emily Emma Enrique
    Eric Erica Erik Erin Ethan Eva Evelyn Fabio Felix Fernando Fiona Florian Francesca Francesco Francis Fred
    Frederic Gabriel Gabriela Gary Gavin Geoff George Gerald Gina Giovanni Giulia Glenn Gloria Gonzalo Gordon Greg
    Gregory Guillaume Gustavo Hanna Hannah Hans Harold Harry Heather Heidi Helen Helena Helene Henrik Henry Howard
    Hugo Ian Ingrid Irene Isaac Isabel Isabella Ivan Jacob Jacques Jake James Jamie Jan Jane Janet Jason Javier Jean
    Jeff Jeffrey Jen Jenna Jennifer Jenny Jeremy Jerry Jesse Jessica Jill Jim Jimmy Joan Joanna Joe Joel Johan
    Johanna John Johnny Jon Jonathan Jorge Jose Joseph Josh Joshua Juan Judith Judy Julia Julian Julie Julien
    Juliette Justin Karen Karin Karl Kate Katherine Kathleen Kathryn Katie Katrin Keith Kelly Ken Kenneth Kevin Kim
    Kirsten Kristen Kristin Kurt Kyle Lars Laura Lauren Laurent Lea Leah Lena Leo Leon Leonardo Liam Linda Lisa Liz
    Lorenzo Louis Louise Luca Lucas Lucia Lucy Luis Luisa Lukas Luke Lydia Magda Manuel Marcel Marco Marcus Margaret
    Maria Marie Marina Mario Marion Marta Martha Martin Martina Mary Mateo Mathieu Matt Matteo Matthew Maureen
    Maurice Megan Melanie Melissa Michael Michelle Miguel Mike Milan Mitchell Molly Monica Nadia Nancy Naomi Natalie
    Natasha Nathan Neil Nicholas Nick Nicola Nicolas Nicole Nikolai Nina Noah Nora Olaf Olga Oliver Olivia Oscar
    Owen Pablo Pamela Patricia Patrick Paul Paula Paulo Pedro Peggy Penelope Pete Peter Phil Philip Philippe Pierre
    Rachel Rafael Ralph Ramon Randy Raphael Raymond Rebecca Ricardo Richard Rick Rita Rob Robert Roberta Roberto
    Roger Roland Ron Ronald Rosa Rosie Ross Roxana Russell Ruth Ryan Sabrina Sam Samantha Samuel Sandra Sara Sarah
    Scott Sean Sebastian Serena Sergio Shannon Sharon Sheila Silvia Simon Sofia Sonia Sophia Sophie Stefan Stephanie
    Stephen Steve Steven Stuart Sue Susan Suzanne Sven Sylvia Tanya Tara Ted Teresa Terry Theo Theresa Thomas Tim
    Timothy Tina Todd Tom Tomas Tommy Tony Tracy Trevor Tyler Ursula Valentina Valerie Vanessa Vera Veronica Vincent
    Viola Walter Wendy William Xavier Yvonne Zachary Zoe"""
_WIDER = """Abdul Abdullah Aditya Agnieszka Ahmad Ahmed Akira Aleksander Ali Amar Amina Amir Amit Anand Anil Anjali
    Anneli Arjun Arun Asha Ashok Ayesha Bao Bilal Bjorn Björn Bojan Chandra Cheng Chiara Chidi Chinwe Deepa Deepak
    Devi Dmitry Einar Ekaterina Emeka Erlend Eun Farah Fatima Feng Freya Ganesh Goran Grzegorz Gunnar Habib Halvard
    Hamza Hana Harald Haruka Haruto Hassan Hiroko Hiroshi Huang Hussein Hyun Ibrahim Igor Imran Irina Ivana Jamal
    Jens Jia Jiang Jin Jing Joao Jonas Joonas Jun Kavita Kavya Kenji Khalid Kjell Kofi Krzysztof Kumar Kwame Lakshmi
    Lan Layla Leif Leila Lin Ling Linnea Magnus Malgorzata Malik Manish Mats Meera Mehmet Mei Ming Minh Mohamed
    Mohammad Mohammed Muhammad Mustafa Nasser Natalia Neha Ngoc Ngozi Nikhil Nils Oksana Ole Olena Olu Omar Padma
    Pawel Piotr Pooja Prakash Pranav Preeti Priya Rahul Raj Rajesh Raju Rakesh Ramesh Rasmus Ravi Rohan Rohit Sakura
    Sandeep Sanjana Sanjay Satoshi Selim Sergei Shreya Siddharth Signe Sigrid Singh Solveig Soren Suresh Svetlana
    Søren Tariq Tatiana Thanh Torsten Tuan Ulf Usman Vijay Vikram Vladimir Wei Wojciech Xiao Xin Yan Yang Yara
    Yasmin Yuki Yuri Yusuf Zainab Zeynep Zhang Zhao"""
_FURTHER = """Folasade Folashade Gulnara Gulnaz Funmilayo Olamide Damilola Ifeanyi Ngugi Wambui Achieng Otieno
    Thandiwe Sipho Lindiwe Nomsa Bongani Tendai Chipo Rutendo Kwasi Esi Abena Efua Yaa Fatou Awa Oumar Ibou Seydou
    Tigist Bekele Selam Hiwot Aster Zahra Nasra Hodan Abdi Farhan Rukhsana Bushra Saima Nazia Tahira Zubair Faraz
    Haroon Danish Kabir Ishaan Vihaan Ananya Diya Isha Myra Tanvi Ritika Swapna Lavanya Bhavani Gayatri Murali Ganga
    Sridhar Venkat Venkatesh Rajesh Karthik Arvind Balaji Muthu Selvi Nimal Chaminda Dilshan Nuwan Tharindu Aung
    Thiri Somchai Siriporn Nattapong Wichai Budi Dewi Putri Agus Siti Nurul Aziz Hafiz Farah Rizal Joko Wayan Ketut
    Jomar Maricel Jhon Analyn Rogelio Tuan Nhung Hieu Khanh Linh Phuc Quang Thao Vinh Xuan Xiaoming Xiaoli Jiahui
    Yifan Haoran Zihan Yuxuan Junjie Weijie Mengyao Ruoxi Hye-jin Hyejin Jihoon Minjun Seoyeon Jiwoo Sooyoung Youngho
    Kyung Takumi Ren Sota Yui Hina Aoi Rina Misaki Nanami Shota Ryota Yusuke Kenta Daiki Naoki Tomoya Kaori Mariko
    Gulnora Aigul Nursultan Aizhan Timur Bakyt Rustam Farida Zarina Shahnoza Ulugbek Giorgi Nino Davit Tamar Armen
    Hayk Ani Narek Lusine Leyla Elchin Nigar Aslan Ramaz Zurab Ketevan Vakhtang Arben Blerim Ardit Besa Vjosa Drita
    Dragan Dragana Milica Jovana Nemanja Aleksandar Marija Ljubica Zoran Stojan Biljana Vasilis Kostas Giannis Eleni
    Katerina Despina Spyros Ilias Ingeborg Oddvar Trygve Ragnhild Gudrun Bjarni Sigurdur Helgi Olafur Jukka Pekka
    Tuula Sirpa Kaarina Aleksi Veikko Mikko Janis Liga Andris Ilze Martins Mindaugas Rasa Jurate Rimantas Egle Tiit
    Kadri Siim Liis Saoirse Niamh Caoimhe Oisin Cormac Declan Eoin Fionn Gethin Rhiannon Carys Ewan Hamish Morag
    Catriona Iain Iestyn Dafydd Aarav Abebe Achim Adaeze Adebayo Adel Adina Adunni Agata Agnieszka Aiko Ainhoa Aino
    Aiyana Akua Alain Albrecht
    Aleksandra Aleksei Alena Alexei Alfonso Alina Alisa Alma Alois Alok Alvaro Amadou Amal Amara Amelie Aminata Amirah
    Amos Anastasia Anatoly Andrei Andrej Andrzej Aneta Angelica Angelo Angus Anh Anika Aniket Anja Anjana Anke Anneke
    Annette Annika Anouk Antje Antoine Anton Antonia Antti Anuj Anya Aoife Arash Aravind Archana Armando Arne Arnaud
    Arnold Arturo Arvid Ashwin Asif Aslan Asma Astou Atsushi Augusto Aurelie Ayaka Ayla Aylin Ayodele Azadeh Babak
    Babajide Balazs Barry Bartek Beata Beate Beatriz Behrooz Benedikt Benoit Berit Bernd Bertrand Bettina Bhavna Birgit
    Blanca Boris Borja Branko Brent Brigitte Brit Bruce Bryan Burak Caio Camila Candice Carlo Carmela Carolina Carsten
    Casey Catalina Cathy Cedric Celine Cemal Cesar Chandan Chantal Chiamaka Chinedu Chioma Christa Christelle Christian
    Christiane Christof Christoph Christophe Ciara Claude Claudia Claudio Clemens Clement Cleo Colette Corinna Corinne
    Cornelia Cosmin Cyril Dagmar Daisuke Dalia Damian Damien Danica Danilo Danuta Daria Darius Darko Davide Dawit Dean
    Debbie Debora Delphine Demba Denise Desmond Detlef Dieter Dilip Dimitri Dimitris Dina Dinesh Dirk Divya Dmytro
    Dolores Dominik Dominique Donatella Dora Doris Dorota Dorothea Drew Duc Dung Dusan Eduard Eduardo Edwin Efe Egor
    Ehsan Eiji Eirik Ekow Elaheh Elif Elin Elisa Elisabeth Elise Elke Elodie Elsa Elvira Ema Emanuel Emilia Emilie
    Emilio Emine Emmanuel Emre Enzo Erdem Erich Erika Ernesto Ernst Esra Esteban Estelle Esther Etienne Eugene Eunji
    Eva Ewa Fabian Fabien Fabrice Fadi Faisal Farid Farida Farouk Fatma Federica Federico Felicia Felipe Ferdinand
    Filip Finn Flavia Flavio Florence Folake Francisco Francois Frank Franz Franziska Frederik Fredrik Frida Friedrich
    Fumiko Gabor Gabriele Gael Garth Gaurav Gautam Geert Georg Georgios Gerard Gerhard Gert Gianluca Gilbert Gilles
    Giorgio Giovanna Giuseppe Gopal Graham Grazia Greta Guido Gulsen Gunther Gwen Hadi Hakan Haley Hamid Hanan Hanne
    Hanneke Hans-Peter Haris Harish Harsh Harvey Hector Heike Heiko Heinrich Heinz Hema Hendrik Henri Henriette
    Herbert Hideo Hilde Hitesh Hoang Holger Hossein Hubert Hye Iker Ikram Ildiko Ilona Ilse Iman Imke Inge Inger Ines
    Inga Inigo Ioana Ioannis Irena Isabelle Ismail Ivo Iwona Izabela Jacek Jackie Jaime Jakob Jakub Jan-Erik Jana
    Janek Janice Janina Jannik Jaroslav Jayden Jayesh Jelena Jerome Jesus Jihye Jisoo Jitka Joachim Joakim Jochen
    Joerg Joey Johann Jonna Joost Jordi Joris Josef Josefine Josip Jozef Juana Juha Juho Jukka Juliana Juliane Jutta
    Jyoti Kadir Kai Kaito Kamal Kamil Karim Karin Karol Karolina Karthik Kasia Katarina Katarzyna Kateryna Katharina
    Kathrin Kathy Katja Katya Kazuo Keiko Kemal Kerstin Keshav Khadija Khaled Kiran Kirsty Klaus Klara Koen Koji
    Konrad Konstantin Kristian Kristina Kristof Krishna Krystyna Kseniya Kunal Kwabena Kyoko Ladislav Laila Lalit
    Laszlo Lasse Latifa Laurence Lech Leila Lene Lennart Leticia Levi Lidia Lieke Lionel Lisbeth Livia Liwei Ljiljana
    Loic Lorena Lorna Lothar Lotte Lubna Luciana Luciano Ludmila Ludovic Luigi Luka Lukasz Lutz Lyudmila Maarten Maciej
    Madhav Madhuri Madeleine Magdalena Maggie Mahesh Mahmoud Mai Maja Makoto Malin Mamadou Mandla Manfred Manoj Mara
    Marc Marcela Marcelo Marcin Marek Margarita Margot Mariam Mariana Marianne Marija Marika Marius Marjan Marko
    Marlene Marten Martijn Masako Massimo Mathias Matilda Matteo Matthias Mattias Maurizio Mauro Maxim Maya Mayank
    Mehdi Merve Mette Michaela Michal Michele Michiko Mikael Mikhail Mikko Milena Milos Mina Mira Miriam Mirjam Miro
    Mirko Mitra Mitsuko Mohan Mohit Moira Monika Moritz Morten Mourad Moussa Muhammed Mukesh Murat Nadeem Nadine Nagesh
    Nahla Najib Nandini Naoko Narendra Nasrin Natasa Navin Nele Nelson Nerea Nestor Nicolai Niels Nihal Nikita Niklas
    Nikola Nikolaj Nilesh Nishant Nitin Njeri Nkechi Noemi Noor Norbert Noriko Norma Nour Nuno Obinna Odile Ognjen
    Okan Oksana Oleg Olivier Olli Oluwaseun Onur Orla Osman Oswald Otto Ozan Paola Paolo Parisa Parvati Pascale
    Patrice Patrik Pavel Pawel Pekka Per-Erik Petra Petri Petros Phuong Pia Pilar Piyush Pradeep Pranav Prasad Pratik
    Preethi Predrag Quentin Quynh Rabia Radek Radka Raffaele Raghav Rainer Raisa Ralf Ramona Rana Rania Raquel Raul
    Reena Regina Reinhard Renata Renate Rene Reza Rhys Ricarda Riccardo Rikke Riku Rinat Rishi Ritu Roza Robin Rocio
    Rodrigo Roel Rohini Roland Roman Romain Romina Ronan Ronja Rosemary Rowan Ruben Rudolf Rui Rune Rupert Ruslan Saanvi
    Saeed Sagar Said Saida Saki Salim Salma Salvatore Samir Samira Sana Sanna Santosh Saskia Sascha Satish Saurabh
    Savitri Sead Selma Sem Semih Senthil Seppo Serge Sergey Severin Shahid Shan Shankar Sharad Shauna Sheng Shilpa
    Shinji Shirin Shiro Shlomo Shruti Siavash Sigurd Silke Silvio Simone Sina Sinead Siobhan Slavica Slobodan Snezana
    Sneha Sofie Soledad Sonali Soo Soumya Soraya Srinivas Stacy Stanislav Stein Steffen Steffi Stefania Stefano Stella
    Stine Stipe Subramanian Sudhir Sujata Sumit Sunil Sunita Susanna Susanne Sushma Sverre Swati Sylvain Sylvie Szymon
    Tadeusz Taiwo Takeshi Tal Tamara Tamás Tamas Tanja Tapio Tarek Tatjana Temitope Teodor Terje Tetsuo Thea Thiago
    Thierry Thijs Thomasz Thorsten Thuy Tiago Tilda Tilo Timo Timur Tobias Toni Tomasz Tomoko Tove Trang Trine Trond
    Tuomas
    Tushar Uche Udo Uma Umar Umesh Urs Urszula Ute Uwe Vadim Valentin Valerio Varun Vasil Vasily Veronika Vesna Vicky
    Victor Viktor Viktoria Vikas Vinay Vincenzo Vineet Vinod Virginie Vishal Vivek Vlad Vojtech Volker Vytautas Waleed
    Wanjiru Wendell Werner Wiebke Wilfried Wilhelm Willem Wim Winston Wolfgang Xenia Ximena Xochitl Yael Yan Yannick
    Yannis Yasmine Yasuko Yaw Yelena Yevgeny Yiannis Ying Yngve Yohannes Yolanda Yoko Yosef Youssef Yulia Yun Yusra Yves
    Zahra Zara Zbigniew Zdenek Zeinab Zenon Ziad Zlatan Zofia Zoltan Zsofia Zsolt Zuzana Aurélie Benoît Chloé Clément
    Élodie Étienne François Gaël Hélène Jérôme Loïc Mélanie Noémie Rémi René Sébastien Stéphane Théo Zoé Ángel Andrés
    Álvaro Belén Concepción Íñigo Inés Iván Jesús José Joaquín León Lucía María Martín Miguel Mónica Núria Óscar Ramón
    Raúl Rocío Sofía Tomás Verónica Víctor António João Antônio Luís Jürgen Jörg Käthe Günther Götz Björn Göran Håkan
    Åsa Åke Öznur Özge Çağla Şebnem Łukasz Michał Paweł Małgorzata Jiří Ondřej Tomáš Lukáš Věra"""
_WORDS_TOO = """Mark Bill Will Pat Rich Art Grant Chase Max Min Hope Faith Rose Lily Iris Pearl Ruby Crystal Amber
    Jasper
    Grace Dawn Eve Joy Drew Miles Frank Jack Guy Ray Rod Sky Summer Autumn April May June Augusta Christian Jordan Chad
    Georgia Virginia Carolina Austin Dallas Sydney Florence Charlotte Victoria Santiago Sofia Milan Adam Kelly Watson
    Julia Ada Travis Jasmine Olive Sage Reed Cliff Glen Heath Wade Lance Dean Earl Duke Major Page Brook Destiny Harmony
    Angel Jesus Nice Rowan Robin Casey Kai Said Mai Tal Sem Soo Shan Noor Bard Otto Claude Norma Stein Stella Mina Mira
    Sana Rana Uma Eugene Toni Casper Oscar Felix Victor Viktor Gaurav-x Magnus Roman Drake Archer Hunter Carter Mason
    Taylor Parker Cooper Logan Tyler Porter Turner Fisher Gardner Marshall Spencer Chandler Sawyer Cruz Rio Paris London
    Lincoln Madison Savannah Carson Trinity Phoenix Raven Jade Opal Coral Penny Ginger Holly Ivy Hazel Violet Daisy
    Basil Clay Forest Rocky Rusty Buck Dusty Sandy Gene Merit Ernest Pascal Kepler Xavier Thompson Carmen Delphi Leo
    Leon Theo Alma Vera Thea Nova Luna Terra Vesna"""
AMBIGUOUS = frozenset(_WORDS_TOO.lower().split())
"""Names that are as often words, places or systems: somebody only by what is said of them."""
GIVEN = frozenset(name.lower() for name in f"{_LATIN} {_WIDER} {_FURTHER} {_WORDS_TOO}".split())
"""In lower case, since people write names so in haste."""
_SMALL = frozenset(name.lower() for name in f"{_LATIN} {_WIDER}".split())
_TOKENS = """ed jan sue sam dan tim ken ron jun lin jin xin yan lan ming raj chris bob ted jim rob ali eun minh devi kim
    kiran jana mara mina ema bao jia ana amal noor jens leif mats lea eva ole dina dora ben don dean marc said rui
    kai mai anh  tove tilda sina thea nour uche yaw yun duc dung"""
_ALSO_WORDS = frozenset(_TOKENS.split())
"""Short enough to be a token of something else when written small."""


def given_name(word: str) -> bool:
    """Say whether a word is a given name, written large or small."""
    lower = word.lower()
    if word[:1].isupper():
        return lower in GIVEN
    return lower in _SMALL and lower not in _ALSO_WORDS | AMBIGUOUS
